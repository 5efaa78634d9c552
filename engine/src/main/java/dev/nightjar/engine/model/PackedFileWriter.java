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
  /**
   * Bytes that are written together, from a multiple of as many on: a huge page. Newer Linux (seen
   * with 6.18 and ext4) keeps in one piece what is written in one, and maps it as a huge page: the
   * processor then finds its addresses without waiting. Elsewhere it does no harm.
   */
  static final int PIECE_BYTES = 2 << 20;

  private final FileChannel channel;
  private final List<PackedFile.Entry> entries = new ArrayList<>();
  private final ByteBuffer piece = Arena.ofAuto().allocate(PIECE_BYTES).asByteBuffer();

  /** Where {@link #piece} belongs; all before it is written. */
  private long written;

  /**
   * A writer of an empty file.
   *
   * @param channel open for writing; closed by the caller
   */
  PackedFileWriter(FileChannel channel) {
    this.channel = channel;
    piece.position(PackedFile.ALIGNMENT);
  }

  @Override
  public PackedMatrix matrix(MatrixShape shape, Packing packing) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = packing.into(arena).data();
      if (data.byteSize() != shape.byteSize()) {
        throw new IllegalStateException(
            shape + " has " + data.byteSize() + " bytes packed, expected " + shape.byteSize());
      }
      long begin = end();
      int[] checksums = new int[PackedFile.Entry.blocks(data.byteSize())];
      for (int block = 0; block < checksums.length; block++) {
        long from = (long) block * PackedFile.BLOCK_BYTES;
        long length = Math.min(PackedFile.BLOCK_BYTES, data.byteSize() - from);
        ByteBuffer bytes = data.asSlice(from, length).asByteBuffer();
        checksums[block] = PackedFile.checksum(bytes);
        append(bytes);
      }
      entries.add(new PackedFile.Entry(shape, begin, checksums));
      align();
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
    long end = end();
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
    append(table);
    flush();
    write(header.position(0), 0);
    channel.force(false);
  }

  /** Where the file ends so far, what is not written yet included. */
  private long end() {
    return written + piece.position();
  }

  private void append(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      int count = Math.min(bytes.remaining(), piece.remaining());
      piece.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
      if (!piece.hasRemaining()) {
        flush();
      }
    }
  }

  /** Fills up with zeros to where the next matrix may begin. */
  private void align() {
    while (piece.position() % PackedFile.ALIGNMENT != 0) {
      piece.put((byte) 0);
    }
  }

  private void flush() throws IOException {
    piece.flip();
    write(piece, written);
    written += piece.position();
    piece.clear();
  }

  private void write(ByteBuffer bytes, long offset) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }
}
