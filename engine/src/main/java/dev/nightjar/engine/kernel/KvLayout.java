package dev.nightjar.engine.kernel;

import dev.nightjar.engine.api.KvType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What a page of {@link Kernels#PAGE} entries of one layer looks like: keys {@code [kvHeads, D,
 * PAGE]}, then values {@code [kvHeads, PAGE, D]}; with {@link KvType#Q8} also scales of keys {@code
 * [kvHeads, blocks, PAGE]} and of values {@code [kvHeads, PAGE, blocks]}, where a block is 32
 * numbers along D or what is left. Immutable and safe for concurrent use.
 *
 * @param kvHeads key/value heads
 * @param headDim D
 */
public record KvLayout(KvType type, int kvHeads, int headDim) {
  /** Numbers that share a scale. */
  static final int BLOCK = 32;

  /** Alignment of pages in bytes. */
  public static final int ALIGNMENT = 64;

  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int PAGE = Kernels.PAGE;
  private static final float LARGEST_HALF = 65504f;

  /** Bytes of a page, a multiple of {@link #ALIGNMENT}. */
  public long pageBytes() {
    return (PAGE * entryBytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Bytes of one entry: a key and a value of every head. */
  public long entryBytes() {
    long scales = type == KvType.Q8 ? (long) blocks() * Float.BYTES : 0;
    return 2L * kvHeads * ((long) headDim * type.bytes() + scales);
  }

  /** Blocks of a head. */
  int blocks() {
    return (headDim + BLOCK - 1) / BLOCK;
  }

  /** Where the keys of a head start in a page. */
  long keys(int kvHead) {
    return (long) kvHead * headDim * PAGE * type.bytes();
  }

  /** Where the values of a head start in a page. */
  long values(int kvHead) {
    return keys(kvHeads + kvHead);
  }

  /** Where the scales of the keys of a head start. */
  long keyScales(int kvHead) {
    return keys(2 * kvHeads) + (long) kvHead * blocks() * PAGE * Float.BYTES;
  }

  /** Where the scales of the values of a head start. */
  long valueScales(int kvHead) {
    return keyScales(kvHeads + kvHead);
  }

  /**
   * Writes one entry.
   *
   * @param lane its place in the page
   * @param key {@code [kvHeads * D]} from {@code offset}
   * @param value {@code [kvHeads * D]} from {@code offset}
   */
  public void write(MemorySegment page, int lane, float[] key, float[] value, int offset) {
    for (int head = 0; head < kvHeads; head++) {
      int from = offset + head * headDim;
      long keys = keys(head) + (long) lane * type.bytes();
      long values = values(head) + (long) lane * headDim * type.bytes();
      if (type == KvType.Q8) {
        long scale = keyScales(head) + (long) lane * Float.BYTES;
        quantise(key, from, page, keys, PAGE, scale, PAGE);
        scale = valueScales(head) + (long) lane * blocks() * Float.BYTES;
        quantise(value, from, page, values, 1, scale, 1);
      } else if (type == KvType.F32) {
        for (int d = 0; d < headDim; d++) {
          page.set(FLOAT, keys + (long) d * PAGE * Float.BYTES, key[from + d]);
        }
        MemorySegment.copy(value, from, page, FLOAT, values, headDim);
      } else {
        for (int d = 0; d < headDim; d++) {
          put(page, keys + (long) d * PAGE * type.bytes(), key[from + d]);
          put(page, values + (long) d * type.bytes(), value[from + d]);
        }
      }
    }
  }

  private void put(MemorySegment page, long at, float x) {
    switch (type) {
      case F16 -> page.set(SHORT, at, half(x));
      case BF16 -> page.set(SHORT, at, upperHalf(x));
      case F32, Q8 -> throw new IllegalStateException(type + " is written otherwise");
    }
  }

  private static short half(float x) {
    boolean finite = Float.isFinite(x);
    return Float.floatToFloat16(finite ? Math.clamp(x, -LARGEST_HALF, LARGEST_HALF) : x);
  }

  private static short upperHalf(float x) {
    int bits = Float.floatToRawIntBits(x);
    if (Float.isNaN(x)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  /** Rounds to the nearest of 255 steps; ties go up. */
  private void quantise(
      float[] x, int from, MemorySegment page, long at, int step, long scaleAt, int scaleStep) {
    for (int first = 0; first < headDim; first += BLOCK) {
      int end = Math.min(headDim, first + BLOCK);
      float largest = 0;
      for (int d = first; d < end; d++) {
        largest = Math.max(largest, Math.abs(x[from + d]));
      }
      float scale = largest / Byte.MAX_VALUE;
      page.set(FLOAT, scaleAt + (long) first / BLOCK * scaleStep * Float.BYTES, scale);
      for (int d = first; d < end; d++) {
        int steps = scale == 0 ? 0 : Math.round(x[from + d] / scale);
        byte stored = (byte) Math.clamp(steps, -Byte.MAX_VALUE, Byte.MAX_VALUE);
        page.set(ValueLayout.JAVA_BYTE, at + (long) d * step, stored);
      }
    }
  }

  /**
   * Reads the keys of one head.
   *
   * @param out {@code [D, PAGE]}, overwritten; what no entry was written to is arbitrary
   */
  public void readKeys(MemorySegment page, int kvHead, float[] out) {
    read(page, keys(kvHead), out);
    if (type == KvType.Q8) {
      for (int i = 0; i < headDim * PAGE; i++) {
        long scale = (long) (i / PAGE / BLOCK) * PAGE + i % PAGE;
        out[i] *= page.get(FLOAT, keyScales(kvHead) + scale * Float.BYTES);
      }
    }
  }

  /**
   * Reads the values of one head.
   *
   * @param out {@code [PAGE, D]}, overwritten; what no entry was written to is arbitrary
   */
  public void readValues(MemorySegment page, int kvHead, float[] out) {
    read(page, values(kvHead), out);
    if (type == KvType.Q8) {
      for (int i = 0; i < headDim * PAGE; i++) {
        long scale = (long) (i / headDim) * blocks() + i % headDim / BLOCK;
        out[i] *= page.get(FLOAT, valueScales(kvHead) + scale * Float.BYTES);
      }
    }
  }

  private void read(MemorySegment page, long from, float[] out) {
    int count = headDim * PAGE;
    switch (type) {
      case F32 -> MemorySegment.copy(page, FLOAT, from, out, 0, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          out[i] = Float.float16ToFloat(page.get(SHORT, from + (long) i * Short.BYTES));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          out[i] = Float.intBitsToFloat(page.get(SHORT, from + (long) i * Short.BYTES) << 16);
        }
      }
      case Q8 -> {
        for (int i = 0; i < count; i++) {
          out[i] = page.get(ValueLayout.JAVA_BYTE, from + i);
        }
      }
    }
  }
}
