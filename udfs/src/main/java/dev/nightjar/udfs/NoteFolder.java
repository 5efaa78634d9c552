package dev.nightjar.udfs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Empty files in a folder that all executors see: what each says is its name and its age. */
final class NoteFolder {
  private final FileSystem files;
  private final Path folder;

  /** A folder that need not exist yet. */
  NoteFolder(FileSystem files, Path folder) {
    this.files = files;
    this.folder = folder;
  }

  /** Names and when each was touched last, in milliseconds. */
  Map<String, Long> all() {
    Map<String, Long> found = new HashMap<>();
    try {
      for (FileStatus file : files.listStatus(folder)) {
        found.put(file.getPath().getName(), file.getModificationTime());
      }
    } catch (FileNotFoundException e) {
      return Map.of();
    } catch (IOException e) {
      throw new UncheckedIOException(folder + " could not be read: " + e.getMessage(), e);
    }
    return found;
  }

  /** Leaves a note; one that is there is touched. */
  void put(String name) {
    try {
      files.mkdirs(folder);
      try (OutputStream out = files.create(path(name), true)) {
        out.write('\n');
      }
    } catch (IOException e) {
      throw new UncheckedIOException(path(name) + " could not be written: " + e.getMessage(), e);
    }
  }

  /** Takes a note away; nothing when it is not there. */
  void remove(String name) {
    try {
      files.delete(path(name), false);
    } catch (IOException e) {
      throw new UncheckedIOException(path(name) + " could not be deleted: " + e.getMessage(), e);
    }
  }

  private Path path(String name) {
    return new Path(folder, name);
  }
}
