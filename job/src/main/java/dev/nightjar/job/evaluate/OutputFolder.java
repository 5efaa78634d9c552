package dev.nightjar.job.evaluate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Small files of an evaluation, on any file system that Spark writes to. */
final class OutputFolder {
  private final Path root;
  private final FileSystem files;

  private OutputFolder(Path root, FileSystem files) {
    this.root = root;
    this.files = files;
  }

  /** Opens a folder, which need not exist yet. */
  static OutputFolder open(String folder, Configuration configuration) {
    try {
      Path root = new Path(folder);
      FileSystem files = root.getFileSystem(configuration);
      files.setWriteChecksum(false);
      return new OutputFolder(files.makeQualified(root), files);
    } catch (IOException | IllegalArgumentException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--out " + folder + " cannot be used: " + e.getMessage() + "; name a writable folder",
          e);
    }
  }

  /** The full path of the folder. */
  String path() {
    return root.toString();
  }

  /** The full path of a name below the folder, as Spark takes it. */
  String path(String name) {
    return new Path(root, name).toString();
  }

  /** Whether there is such a file or folder. */
  boolean exists(String name) {
    try {
      return files.exists(new Path(root, name));
    } catch (IOException e) {
      throw new UncheckedIOException(path(name), e);
    }
  }

  /** The text of a file; empty when there is none. */
  Optional<String> read(String name) {
    if (!exists(name)) {
      return Optional.empty();
    }
    try (InputStream in = files.open(new Path(root, name))) {
      return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(path(name), e);
    }
  }

  /** Writes a text so that the file is either absent, as it was, or complete. */
  void write(String name, String text) {
    write(name, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes bytes in the same way. */
  void write(String name, byte[] content) {
    Path target = new Path(root, name);
    Path fresh = new Path(target.getParent(), "." + target.getName() + ".part");
    try {
      try (OutputStream out = files.create(fresh, true)) {
        out.write(content);
      }
      files.delete(target, false);
      if (!files.rename(fresh, target)) {
        throw new IOException(fresh + " could not be renamed to " + target);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(target + " could not be written", e);
    }
  }

  /** Deletes a file or folder with all in it; nothing when it is not there. */
  void delete(String name) {
    try {
      files.delete(new Path(root, name), true);
    } catch (IOException e) {
      throw new UncheckedIOException(path(name), e);
    }
  }
}
