package dev.nightjar.job;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under the scheme {@code full}, which takes as many more bytes as it is told: by
 * {@link #ROOM}, or for each process by the property {@value #BYTES}.
 */
public final class FullFileSystem extends FileSystem {
  static final AtomicLong ROOM = new AtomicLong();
  static final String BYTES = "fs.full.bytes";

  /** Spark's property for this class. */
  static final String MOUNT = "spark.hadoop.fs.full.impl";

  private static final String ROOT = "full:///";

  private final RawLocalFileSystem disk = new RawLocalFileSystem();

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    setConf(conf);
    disk.initialize(URI.create("file:///"), conf);
    if (conf.get(BYTES) != null) {
      ROOM.set(conf.getLong(BYTES, 0));
    }
  }

  @Override
  public URI getUri() {
    return URI.create(ROOT);
  }

  @Override
  public String getScheme() {
    return "full";
  }

  private static Path local(Path path) {
    return new Path(path.toUri().getPath());
  }

  private static FileStatus remote(FileStatus status) {
    return new FileStatus(
        status.getLen(),
        status.isDirectory(),
        1,
        status.getBlockSize(),
        status.getModificationTime(),
        new Path("full", "", status.getPath().toUri().getPath()));
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    return disk.open(local(path), bufferSize);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    FSDataOutputStream file =
        disk.create(local(path), overwrite, bufferSize, replication, blockSize, progress);
    return new FSDataOutputStream(new Limited(file), null);
  }

  @Override
  public FSDataOutputStream append(Path path, int bufferSize, Progressable progress) {
    throw new UnsupportedOperationException("append");
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    return disk.rename(local(from), local(to));
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    return disk.delete(local(path), recursive);
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    FileStatus[] found = disk.listStatus(local(path));
    for (int i = 0; i < found.length; i++) {
      found[i] = remote(found[i]);
    }
    return found;
  }

  @Override
  public void setWorkingDirectory(Path path) {
    disk.setWorkingDirectory(local(path));
  }

  @Override
  public Path getWorkingDirectory() {
    return new Path("full", "", disk.getWorkingDirectory().toUri().getPath());
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    return disk.mkdirs(local(path));
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return remote(disk.getFileStatus(local(path)));
  }

  private static final class Limited extends FilterOutputStream {
    Limited(OutputStream file) {
      super(file);
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (ROOM.addAndGet(-length) < 0) {
        throw new IOException("No space left on device");
      }
      out.write(bytes, offset, length);
    }
  }
}
