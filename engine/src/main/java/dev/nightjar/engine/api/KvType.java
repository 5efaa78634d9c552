package dev.nightjar.engine.api;

/**
 * How keys and values are stored. Arithmetic is fp32 whatever the type; each number is rounded
 * once, when it is stored, and read back exactly.
 */
public enum KvType {
  /** IEEE 754 binary32: what was computed. */
  F32(4),
  /** IEEE 754 binary16; finite numbers beyond its range become its largest ones. */
  F16(2),
  /** The upper half of a binary32, rounded to nearest even. */
  BF16(2),
  /** Signed bytes with one fp32 scale for up to 32 of them along a head: value = scale * byte. */
  Q8(1);

  private final int bytes;

  KvType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one number, scales not counted. */
  public int bytes() {
    return bytes;
  }
}
