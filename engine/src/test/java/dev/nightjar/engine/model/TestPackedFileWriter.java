package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Matrices of any size, in a file that is written in huge pages. */
class TestPackedFileWriter {
  private static final int PIECE = PackedFileWriter.PIECE_BYTES;
  private static final byte[] KEY = new byte[PackedFile.KEY_BYTES];

  @TempDir Path temp;

  /** One that ends where a piece does, one of several pieces, some across two, one in the last. */
  private static final List<MatrixShape> SHAPES =
      List.of(
          new MatrixShape("fills", DType.F32, 32, (PIECE - PackedFile.ALIGNMENT) / 128),
          new MatrixShape("small", DType.Q8_0, 32, 32),
          new MatrixShape("large", DType.F32, 320, 5 * PIECE / 1280 + 7),
          new MatrixShape("across", DType.Q8_0, 96, 12_800),
          new MatrixShape("again", DType.Q8_0, 96, 12_800),
          new MatrixShape("last", DType.BF16, 33, 10));

  private static PackedMatrix packed(MatrixShape shape, Arena arena) {
    MemorySegment data = arena.allocate(shape.byteSize(), 64);
    for (long i = 0; i < data.byteSize(); i++) {
      data.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + i / 257 + shape.name().hashCode()));
    }
    return PackedMatrix.of(shape.dtype(), shape.rows(), shape.columns(), data);
  }

  private Recorder write(Path path) throws IOException {
    try (FileChannel file =
            FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        Recorder recorder = new Recorder(file)) {
      PackedFileWriter writer = new PackedFileWriter(recorder);
      for (MatrixShape shape : SHAPES) {
        writer.matrix(shape, arena -> packed(shape, arena));
      }
      writer.finish(KEY);
      return recorder;
    }
  }

  @Test
  void everyMatrixIsReadBack() throws IOException {
    Path path = temp.resolve("some.packed");
    write(path);
    try (Arena arena = Arena.ofShared()) {
      PackedFile file = PackedFile.open(path, KEY, arena);
      for (MatrixShape shape : SHAPES) {
        PackedMatrix found = file.matrix(shape, null);
        assertThat(found.data().mismatch(packed(shape, arena).data()))
            .as(shape.name())
            .isEqualTo(-1);
      }
      assertThat(file.byteSize()).isGreaterThan(7L * PIECE);
    }
  }

  @Test
  void isWrittenInWholePiecesAndTheHeaderLast() throws IOException {
    Recorder recorder = write(temp.resolve("some.packed"));
    int pieces = recorder.writes.size() - 1;
    assertThat(pieces).isGreaterThan(7);
    for (int i = 0; i < pieces; i++) {
      Write write = recorder.writes.get(i);
      assertThat(write.position()).isEqualTo((long) i * PIECE);
      if (i < pieces - 1) {
        assertThat(write.bytes()).isEqualTo(PIECE);
      }
    }
    assertThat(recorder.writes.getLast()).isEqualTo(new Write(0, PackedFile.HEADER_BYTES));
    assertThat(recorder.forcedAfter).isEqualTo(pieces + 1);
  }

  private record Write(long position, int bytes) {}

  /** Notes what is written where, and writes it. */
  private static final class Recorder extends FileChannel {
    private final FileChannel file;
    private final List<Write> writes = new ArrayList<>();
    private int forcedAfter;

    Recorder(FileChannel file) {
      this.file = file;
    }

    @Override
    public int write(ByteBuffer src, long position) throws IOException {
      writes.add(new Write(position, src.remaining()));
      return file.write(src, position);
    }

    @Override
    public void force(boolean metaData) throws IOException {
      forcedAfter = writes.size();
      file.force(metaData);
    }

    @Override
    protected void implCloseChannel() {}

    private static UnsupportedOperationException unexpected() {
      return new UnsupportedOperationException("a writer does not need it");
    }

    @Override
    public int read(ByteBuffer dst) {
      throw unexpected();
    }

    @Override
    public long read(ByteBuffer[] dsts, int offset, int length) {
      throw unexpected();
    }

    @Override
    public int read(ByteBuffer dst, long position) {
      throw unexpected();
    }

    @Override
    public int write(ByteBuffer src) {
      throw unexpected();
    }

    @Override
    public long write(ByteBuffer[] srcs, int offset, int length) {
      throw unexpected();
    }

    @Override
    public long position() {
      throw unexpected();
    }

    @Override
    public FileChannel position(long newPosition) {
      throw unexpected();
    }

    @Override
    public long size() {
      throw unexpected();
    }

    @Override
    public FileChannel truncate(long size) {
      throw unexpected();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw unexpected();
    }

    @Override
    public long transferFrom(ReadableByteChannel src, long position, long count) {
      throw unexpected();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw unexpected();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw unexpected();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
      throw unexpected();
    }
  }
}
