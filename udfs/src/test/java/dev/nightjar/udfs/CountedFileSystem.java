package dev.nightjar.udfs;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * The local file system under the scheme {@code counted:}, as remote ones are for Hadoop. Notes
 * every file that is opened in {@code fs.counted.log}; files named in {@code fs.counted.broken}
 * break off in the middle.
 */
public final class CountedFileSystem extends RawLocalFileSystem {
  static final URI ROOT = URI.create("counted:///");

  @Override
  public URI getUri() {
    return ROOT;
  }

  @Override
  public String getScheme() {
    return ROOT.getScheme();
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return plain(super.getFileStatus(path));
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    FileStatus[] found = super.listStatus(path);
    for (int i = 0; i < found.length; i++) {
      found[i] = plain(found[i]);
    }
    return found;
  }

  /** Without permissions, which Hadoop would look up for paths of the scheme {@code file} only. */
  private static FileStatus plain(FileStatus status) {
    return new FileStatus(
        status.getLen(),
        status.isDirectory(),
        1,
        status.getBlockSize(),
        status.getModificationTime(),
        status.getPath());
  }

  @Override
  public FSDataInputStream open(Path file, int bufferSize) throws IOException {
    Files.writeString(
        java.nio.file.Path.of(getConf().get("fs.counted.log")),
        file.getName() + "\n",
        StandardCharsets.UTF_8,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    FSDataInputStream in = super.open(file, bufferSize);
    if (file.getName().equals(getConf().get("fs.counted.broken"))) {
      in.seek(getFileStatus(file).getLen() / 2);
    }
    return in;
  }
}
