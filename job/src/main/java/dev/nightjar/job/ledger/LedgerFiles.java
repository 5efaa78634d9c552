package dev.nightjar.job.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Small JSON files below a folder on any Hadoop file system. A file is written once, appears whole
 * or not at all, and is never changed. Asks of the file system that a renamed or closed file is
 * seen by the next read, and that a rename of one file does not leave half of it.
 */
final class LedgerFiles {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private static final String FRESH = "fresh";
  private static final String ENDING = ".json";

  private final FileSystem files;
  private final Path root;

  LedgerFiles(FileSystem files, Path root) {
    this.files = files;
    this.root = files.makeQualified(root);
  }

  /** The file system. */
  FileSystem files() {
    return files;
  }

  /** The full path of a name below the folder. */
  Path path(String name) {
    return name.isEmpty() ? root : new Path(root, name);
  }

  /** Writes {@code folder/name.json}; one that is there already stays as it is. */
  void write(String folder, String name, Object value) {
    Path target = path(folder + "/" + name + ENDING);
    Path fresh = path(FRESH + "/" + UUID.randomUUID());
    try {
      if (files.exists(target)) {
        return;
      }
      files.mkdirs(target.getParent());
      try (OutputStream out = files.create(fresh, true)) {
        out.write(bytes(value));
      }
      if (!files.rename(fresh, target) && !files.exists(target)) {
        throw new IOException(fresh + " could not be renamed to " + target);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(target + " could not be written: " + e.getMessage(), e);
    }
  }

  /** Writes a file unless it is there; whether it was written. */
  boolean create(String name, Object value) {
    Path target = path(name + ENDING);
    try {
      files.mkdirs(target.getParent());
      if (files.exists(target)) {
        return false;
      }
      try (OutputStream out = files.create(target, false)) {
        out.write(bytes(value));
      }
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(target + " could not be written: " + e.getMessage(), e);
    }
  }

  private static byte[] bytes(Object value) throws JsonProcessingException {
    return (JSON.writeValueAsString(value) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** The value of {@code name.json}; empty when there is none or it is not whole. */
  <T> Optional<T> read(String name, Class<T> type) {
    return text(name + ENDING).flatMap(text -> parse(text, type));
  }

  private static <T> Optional<T> parse(String text, Class<T> type) {
    try {
      return Optional.ofNullable(JSON.readValue(text, type));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** The text of a file; empty when there is none. */
  Optional<String> text(String name) {
    try (InputStream in = files.open(path(name))) {
      return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(path(name) + " could not be read: " + e.getMessage(), e);
    }
  }

  /** Replaces a file's text; readers may see it half written. */
  void overwrite(String name, String text) throws IOException {
    try (OutputStream out = files.create(path(name), true)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Names of the JSON files of a folder, without their ending, in order. */
  List<String> list(String folder) {
    List<String> names = new ArrayList<>();
    for (Path child : children(folder)) {
      String name = child.getName();
      if (name.endsWith(ENDING) && !name.startsWith(".")) {
        names.add(name.substring(0, name.length() - ENDING.length()));
      }
    }
    return names;
  }

  /** Files and folders directly below a folder, in order; none when it is not there. */
  List<Path> children(String folder) {
    try {
      List<Path> found = new ArrayList<>();
      for (FileStatus status : files.listStatus(path(folder))) {
        found.add(status.getPath());
      }
      found.sort(null);
      return found;
    } catch (FileNotFoundException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(path(folder) + " could not be listed: " + e.getMessage(), e);
    }
  }

  /** Deletes a file or folder with all in it; nothing when it is not there. */
  void delete(String name) {
    try {
      files.delete(path(name), true);
    } catch (IOException e) {
      throw new UncheckedIOException(path(name) + " could not be deleted: " + e.getMessage(), e);
    }
  }

  /** Deletes what writers that died have left. */
  void deleteUnfinished() {
    delete(FRESH);
  }

  /** Deletes {@code folder/name.json}. */
  void deleteJson(String folder, String name) {
    delete(folder.isEmpty() ? name + ENDING : folder + "/" + name + ENDING);
  }
}
