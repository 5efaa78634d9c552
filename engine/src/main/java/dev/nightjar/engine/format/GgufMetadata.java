package dev.nightjar.engine.format;

import dev.nightjar.engine.api.EngineException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The key/value pairs of a GGUF file. Values stay in the file until asked for: a call decodes anew,
 * so keep arrays that are needed more than once. Every fault is an {@code INVALID_MODEL} error that
 * names the key, what it holds and what was expected. Unusable once the file is closed.
 */
public final class GgufMetadata {
  private static final int MAX_STRING_BYTES = 16 << 20;
  private static final int MAX_ARRAY_ELEMENTS = 1 << 23;

  /**
   * Where a value lies: {@code [begin, end)} is its payload; {@code element} and {@code count} are
   * of arrays only.
   */
  record Value(GgufType type, GgufType element, long count, long begin, long end) {}

  private final MappedFile file;
  private final MemorySegment bytes;
  private final Map<String, Value> values = new LinkedHashMap<>();

  GgufMetadata(MappedFile file) {
    this.file = file;
    this.bytes = file.bytes();
  }

  void put(String key, Value value) {
    if (values.put(key, value) != null) {
      throw file.invalid(
          "metadata key \"%s\" appears twice, expected unique keys; re-export it"
              .formatted(Excerpt.of(key)));
    }
  }

  /** All keys, in file order. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(values.keySet());
  }

  /** Whether the key is present. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /**
   * What the key holds, for example {@code STRING} or {@code ARRAY of INT32[32000]}; for people.
   */
  public String describe(String key) {
    Value value = values.get(key);
    if (value == null) {
      return "nothing";
    }
    return value.type() == GgufType.ARRAY
        ? "ARRAY of " + value.element() + "[" + value.count() + "]"
        : value.type().toString();
  }

  /**
   * The value's bytes as they lie in the file, for hashing; an array's begin with its first
   * element.
   */
  public MemorySegment raw(String key) {
    Value value = require(key, "a value");
    return bytes.asSlice(value.begin(), value.end() - value.begin());
  }

  /** The bytes of a string, which may be longer than {@link #stringValue} allows. */
  Optional<byte[]> bytes(String key, int maxBytes) {
    if (!has(key)) {
      return Optional.empty();
    }
    Value value = require(key, "a string");
    if (value.type() != GgufType.STRING) {
      throw wrongType(key, "a string");
    }
    long length = value.end() - value.begin() - Long.BYTES;
    if (length > maxBytes) {
      throw tooLong(key, length, maxBytes);
    }
    return Optional.of(
        bytes.asSlice(value.begin() + Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE));
  }

  /** The value as it stands in the file, its type first. */
  byte[] encoded(String key) {
    Value value = require(key, "a value");
    boolean array = value.type() == GgufType.ARRAY;
    long size = value.end() - value.begin();
    ByteBuffer out =
        ByteBuffer.allocate(Math.toIntExact(size + (array ? 16 : 4)))
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(value.type().ordinal());
    if (array) {
      out.putInt(value.element().ordinal()).putLong(value.count());
    }
    return out.put(bytes.asSlice(value.begin(), size).asByteBuffer()).array();
  }

  /** A string. */
  public String stringValue(String key) {
    Value value = require(key, "a string");
    if (value.type() != GgufType.STRING) {
      throw wrongType(key, "a string");
    }
    return string(key, value.begin());
  }

  /** A string, if the key is present. */
  public Optional<String> findString(String key) {
    return has(key) ? Optional.of(stringValue(key)) : Optional.empty();
  }

  /** An integer of any width that fits an int. */
  public int intValue(String key) {
    long value = longValue(key);
    if (value != (int) value) {
      throw file.invalid(
          "metadata key \"%s\" is %d, expected a 32-bit integer; re-export the model"
              .formatted(Excerpt.of(key), value));
    }
    return (int) value;
  }

  /** An integer, or {@code fallback} if the key is missing. */
  public int intValue(String key, int fallback) {
    return has(key) ? intValue(key) : fallback;
  }

  /** An integer of any width. */
  public long longValue(String key) {
    Value value = require(key, "an integer");
    if (!value.type().isInteger()) {
      throw wrongType(key, "an integer");
    }
    return integer(key, value.type(), value.begin());
  }

  /** An integer, or {@code fallback} if the key is missing. */
  public long longValue(String key, long fallback) {
    return has(key) ? longValue(key) : fallback;
  }

  /** A number of any type, rounded to fp32. */
  public float floatValue(String key) {
    Value value = require(key, "a number");
    GgufType type = value.type();
    if (type == GgufType.BOOL || !type.isFixedSize()) {
      throw wrongType(key, "a number");
    }
    return number(key, type, value.begin());
  }

  /** A number, or {@code fallback} if the key is missing. */
  public float floatValue(String key, float fallback) {
    return has(key) ? floatValue(key) : fallback;
  }

  /** A boolean. */
  public boolean booleanValue(String key) {
    Value value = require(key, "a boolean");
    if (value.type() != GgufType.BOOL) {
      throw wrongType(key, "a boolean");
    }
    return bytes.get(ValueLayout.JAVA_BYTE, value.begin()) != 0;
  }

  /** A boolean, or {@code fallback} if the key is missing. */
  public boolean booleanValue(String key, boolean fallback) {
    return has(key) ? booleanValue(key) : fallback;
  }

  /** Number of elements of an array. */
  public int arrayLength(String key) {
    return length(key, require(key, "an array"), "an array");
  }

  /** An array of strings. */
  public String[] strings(String key) {
    String expected = "an array of strings";
    Value value = require(key, expected);
    String[] out = new String[length(key, value, expected)];
    if (out.length > 0 && value.element() != GgufType.STRING) {
      throw wrongType(key, expected);
    }
    long position = value.begin();
    for (int i = 0; i < out.length; i++) {
      out[i] = string(key, position);
      position += 8 + bytes.get(GgufCursor.LONG, position);
    }
    return out;
  }

  /** An array of integers of any width that fit ints. */
  public int[] ints(String key) {
    String expected = "an array of integers";
    Value value = require(key, expected);
    int[] out = new int[length(key, value, expected)];
    if (out.length > 0 && !value.element().isInteger()) {
      throw wrongType(key, expected);
    }
    for (int i = 0; i < out.length; i++) {
      long element =
          integer(key, value.element(), value.begin() + (long) i * value.element().minBytes);
      if (element != (int) element) {
        throw file.invalid(
            "metadata key \"%s\" holds %d at index %d, expected 32-bit integers; re-export it"
                .formatted(Excerpt.of(key), element, i));
      }
      out[i] = (int) element;
    }
    return out;
  }

  /** An array of numbers, rounded to fp32. */
  public float[] floats(String key) {
    String expected = "an array of numbers";
    Value value = require(key, expected);
    float[] out = new float[length(key, value, expected)];
    if (out.length > 0 && (value.element() == GgufType.BOOL || !value.element().isFixedSize())) {
      throw wrongType(key, expected);
    }
    for (int i = 0; i < out.length; i++) {
      out[i] = number(key, value.element(), value.begin() + (long) i * value.element().minBytes);
    }
    return out;
  }

  private Value require(String key, String expected) {
    Value value = values.get(key);
    if (value == null) {
      throw file.invalid(
          "metadata key \"%s\" is missing, expected %s; re-export the model"
              .formatted(Excerpt.of(key), expected));
    }
    return value;
  }

  private int length(String key, Value value, String expected) {
    if (value.type() != GgufType.ARRAY) {
      throw wrongType(key, expected);
    }
    if (value.count() > MAX_ARRAY_ELEMENTS) {
      throw file.invalid(
          "metadata key \"%s\" has %d elements, expected at most %d; the file is damaged"
              .formatted(Excerpt.of(key), value.count(), MAX_ARRAY_ELEMENTS));
    }
    return (int) value.count();
  }

  private EngineException wrongType(String key, String expected) {
    return file.invalid(
        "metadata key \"%s\" holds %s, expected %s; re-export the model"
            .formatted(Excerpt.of(key), describe(key), expected));
  }

  private String string(String key, long position) {
    long length = bytes.get(GgufCursor.LONG, position);
    if (length > MAX_STRING_BYTES) {
      throw tooLong(key, length, MAX_STRING_BYTES);
    }
    byte[] utf8 = bytes.asSlice(position + 8, length).toArray(ValueLayout.JAVA_BYTE);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private EngineException tooLong(String key, long length, int limit) {
    return file.invalid(
        "metadata key \"%s\" holds a string of %d bytes, expected at most %d; the file is damaged"
            .formatted(Excerpt.of(key), length, limit));
  }

  private long integer(String key, GgufType type, long position) {
    long value =
        switch (type) {
          case UINT8 -> bytes.get(ValueLayout.JAVA_BYTE, position) & 0xff;
          case INT8 -> bytes.get(ValueLayout.JAVA_BYTE, position);
          case UINT16 -> bytes.get(GgufCursor.SHORT, position) & 0xffff;
          case INT16 -> bytes.get(GgufCursor.SHORT, position);
          case UINT32 -> bytes.get(GgufCursor.INT, position) & 0xffff_ffffL;
          case INT32 -> bytes.get(GgufCursor.INT, position);
          case UINT64, INT64 -> bytes.get(GgufCursor.LONG, position);
          case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 ->
              throw new IllegalStateException(type + " is not an integer");
        };
    if (type == GgufType.UINT64 && value < 0) {
      throw file.invalid(
          "metadata key \"%s\" holds %s, expected less than 2^63; re-export the model"
              .formatted(Excerpt.of(key), Long.toUnsignedString(value)));
    }
    return value;
  }

  private float number(String key, GgufType type, long position) {
    return switch (type) {
      case FLOAT32 -> bytes.get(GgufCursor.FLOAT, position);
      case FLOAT64 -> (float) bytes.get(GgufCursor.DOUBLE, position);
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64, BOOL, STRING, ARRAY ->
          integer(key, type, position);
    };
  }
}
