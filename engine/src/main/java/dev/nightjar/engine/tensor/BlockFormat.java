package dev.nightjar.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where the parts of a quantised block lie. Every GGML type that is read stands for the values
 *
 * <pre>{@code scale * factor(j) * quant(i) + shift * shiftFactor(j)}</pre>
 *
 * where the element i lies in the span {@code j = i / 16}. Scale and shift are fp16 and factors and
 * quants small integers, so that every product of them is exact in fp32 and the sum is rounded
 * once: the order of operations in which a type is published does not matter. Stateless.
 */
public abstract class BlockFormat {
  /** Elements that share factors in every format; some share more. */
  public static final int SPAN = 16;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  BlockFormat() {}

  /** The scale of a block. */
  public abstract float scale(MemorySegment data, long block);

  /** What the scale of a span is multiplied by; a signed byte. */
  public int factor(MemorySegment data, long block, int span) {
    return 1;
  }

  /** Whether values are shifted. */
  public boolean shifts() {
    return false;
  }

  /** The shift of a block; the zero that changes nothing where there is none. */
  public float shift(MemorySegment data, long block) {
    return -0f;
  }

  /** What the shift of a span is multiplied by; a signed byte. */
  public int shiftFactor(MemorySegment data, long block, int span) {
    return 1;
  }

  /**
   * The quants of all elements of a block, signed bytes.
   *
   * @param out from {@code outOffset} on
   */
  public abstract void quants(MemorySegment data, long block, float[] out, int outOffset);

  /** Converts {@code count} elements of the block at {@code block} to fp32. */
  final void toFloats(MemorySegment data, long block, int count, float[] out, int outOffset) {
    quants(data, block, out, outOffset);
    float scale = scale(data, block);
    float shift = shift(data, block);
    for (int span = 0; span < count / SPAN; span++) {
      float multiplier = scale * factor(data, block, span);
      float addend = shift * shiftFactor(data, block, span);
      for (int i = outOffset + span * SPAN; i < outOffset + (span + 1) * SPAN; i++) {
        out[i] = multiplier * out[i] + addend;
      }
    }
  }

  static float half(MemorySegment data, long offset) {
    return Float.float16ToFloat(data.get(SHORT, offset));
  }

  static int unsignedShort(MemorySegment data, long offset) {
    return Short.toUnsignedInt(data.get(SHORT, offset));
  }

  static int unsignedByte(MemorySegment data, long offset) {
    return Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, offset));
  }

  static int signedByte(MemorySegment data, long offset) {
    return data.get(ValueLayout.JAVA_BYTE, offset);
  }
}
