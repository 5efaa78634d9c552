package dev.nightjar.engine.format;

import dev.nightjar.engine.api.EngineException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Walks over a GGUF file; every step is checked against the bytes that are left. */
final class GgufCursor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MappedFile file;
  private long position;

  GgufCursor(MappedFile file) {
    this.file = file;
  }

  long position() {
    return position;
  }

  long remaining() {
    return file.size() - position;
  }

  /** Moves on by {@code bytes}; returns the position before. */
  long skip(long bytes, String thing) {
    if (bytes < 0 || bytes > remaining()) {
      throw file.invalid(
          ("%s at byte %d needs %s bytes, but only %d are left; the file is truncated or damaged,"
                  + " download it again")
              .formatted(thing, position, Long.toUnsignedString(bytes), remaining()));
    }
    long before = position;
    position += bytes;
    return before;
  }

  long readU32(String thing) {
    return file.bytes().get(INT, skip(4, thing)) & 0xffff_ffffL;
  }

  /** An unsigned 64-bit number as a long; huge ones come out negative. */
  long readU64(String thing) {
    return file.bytes().get(LONG, skip(8, thing));
  }

  /**
   * A number of things that take at least {@code minBytes} each, so that it is bounded by the bytes
   * that are left.
   */
  long readCount(String thing, int minBytes) {
    long at = position;
    long count = readU64(thing);
    if (count < 0 || count > remaining() / minBytes) {
      throw file.invalid(
          ("%s at byte %d is %s, but the %d bytes left hold at most %d; the file is truncated or"
                  + " damaged, download it again")
              .formatted(
                  thing, at, Long.toUnsignedString(count), remaining(), remaining() / minBytes));
    }
    return count;
  }

  String readString(String thing, int maxBytes) {
    long at = position;
    long length = readU64("the length of " + thing);
    if (length < 0 || length > maxBytes) {
      throw file.invalid(
          "%s at byte %d is %s bytes long, expected at most %d; the file is damaged"
              .formatted(thing, at, Long.toUnsignedString(length), maxBytes));
    }
    long start = skip(length, thing);
    byte[] utf8 = file.bytes().asSlice(start, length).toArray(ValueLayout.JAVA_BYTE);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  EngineException invalid(String problem) {
    return file.invalid(problem);
  }
}
