package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.PackedMatrix;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a {@link PackedFile}: packs each matrix it is asked for, writes it, and forgets it, so no
 * more than one is in memory. The matrices it returns are null. Confined to one thread.
 */
final class PackedFileWriter implements MatrixSupply {
  private final FileChannel channel;
  private final List<PackedFile.Entry> entries = new ArrayList<>();
  private long end = PackedFile.ALIGNMENT;

  /**
   * A writer of an empty file.
   *
   * @param channel open for writing; closed by the caller
   */
  PackedFileWriter(FileChannel channel) {
    this.channel = channel;
  }

  @Override
  public PackedMatrix matrix(MatrixShape shape, Packing packing) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = packing.into(arena).data();
      if (data.byteSize() != shape.byteSize()) {
        throw new IllegalStateException(
            shape + " has " + data.byteSize() + " bytes packed, expected " + shape.byteSize());
      }
      int[] checksums = new int[PackedFile.Entry.blocks(data.byteSize())];
      for (int block = 0; block < checksums.length; block++) {
        long from = (long) block * PackedFile.BLOCK_BYTES;
        long length = Math.min(PackedFile.BLOCK_BYTES, data.byteSize() - from);
        ByteBuffer bytes = data.asSlice(from, length).asByteBuffer();
        checksums[block] = PackedFile.checksum(bytes);
        write(bytes, end + from);
      }
      entries.add(new PackedFile.Entry(shape, end, checksums));
      end = aligned(end + data.byteSize());
      return null;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Completes the file and brings it to the disk. */
  void finish(byte[] key) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    for (PackedFile.Entry entry : entries) {
      MatrixShape shape = entry.shape();
      out.writeUTF(shape.name());
      out.writeUTF(shape.dtype().name());
      out.writeInt(shape.rows());
      out.writeInt(shape.columns());
      out.writeLong(entry.offset());
      out.writeLong(shape.byteSize());
      for (int checksum : entry.checksums()) {
        out.writeInt(checksum);
      }
    }
    ByteBuffer table = ByteBuffer.wrap(bytes.toByteArray());
    ByteBuffer header = ByteBuffer.allocate(PackedFile.HEADER_BYTES);
    header.putLong(PackedFile.MAGIC);
    header.putInt(PackedFile.FORMAT_VERSION);
    header.putInt(PackedMatrix.LAYOUT_VERSION);
    header.put(key);
    header.putLong(end + table.remaining());
    header.putLong(end);
    header.putLong(table.remaining());
    header.putInt(PackedFile.checksum(table));
    int last = PackedFile.HEADER_BYTES - Integer.BYTES;
    header.putInt(last, PackedFile.checksum(header.slice(0, last)));
    write(table, end);
    write(header.position(0), 0);
    channel.force(false);
  }

  private void write(ByteBuffer bytes, long offset) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  private static long aligned(long offset) {
    return (offset + PackedFile.ALIGNMENT - 1) / PackedFile.ALIGNMENT * PackedFile.ALIGNMENT;
  }
}
