package dev.nightjar.engine.format;

/** Types of GGUF metadata values; the ordinal is the number in the file. */
enum GgufType {
  UINT8(1),
  INT8(1),
  UINT16(2),
  INT16(2),
  UINT32(4),
  INT32(4),
  FLOAT32(4),
  BOOL(1),
  STRING(8),
  ARRAY(12),
  UINT64(8),
  INT64(8),
  FLOAT64(8);

  private static final GgufType[] VALUES = values();

  /** Fewest bytes a value takes in the file; exact for numbers and booleans. */
  final int minBytes;

  GgufType(int minBytes) {
    this.minBytes = minBytes;
  }

  /** The type of this number, or null. */
  static GgufType of(long number) {
    return number >= 0 && number < VALUES.length ? VALUES[(int) number] : null;
  }

  boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> false;
    };
  }

  boolean isFixedSize() {
    return this != STRING && this != ARRAY;
  }
}
