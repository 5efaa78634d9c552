package dev.nightjar.job.ledger;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Files on their way into the table. Written down before the first one is moved, so that a run that
 * dies halfway is completed by the next: doing it again does nothing to what was done.
 *
 * @param chunk what is entered in the ledger afterwards
 * @param moves in this order, before the deletions
 * @param deletes full paths of files of the table that the moved ones replace
 */
record Publication(ChunkRecord chunk, List<Move> moves, List<String> deletes) {
  /** Full paths; the target's name is unique to the chunk. */
  record Move(String from, String to) {}

  Publication {
    moves = List.copyOf(moves);
    deletes = List.copyOf(deletes);
  }

  /** Moves and deletes what is still to be. */
  void carryOut(FileSystem files) throws IOException {
    for (Move move : moves) {
      carryOut(files, new Path(move.from()), new Path(move.to()));
    }
    for (String path : deletes) {
      files.delete(new Path(path), false);
    }
  }

  private static void carryOut(FileSystem files, Path from, Path to) throws IOException {
    long length = length(files, from);
    if (length < 0) {
      return;
    }
    long there = length(files, to);
    if (there == length) {
      files.delete(from, false);
      return;
    }
    if (there >= 0) {
      files.delete(to, false);
    }
    files.mkdirs(to.getParent());
    if (!files.rename(from, to)) {
      throw new IOException(from + " could not be moved to " + to);
    }
  }

  /** Bytes of a file, or -1 when there is none. */
  private static long length(FileSystem files, Path path) throws IOException {
    try {
      FileStatus status = files.getFileStatus(path);
      return status.getLen();
    } catch (FileNotFoundException e) {
      return -1;
    }
  }
}
