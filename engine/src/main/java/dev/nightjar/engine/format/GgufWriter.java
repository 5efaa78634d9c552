package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes GGUF files of version 3, quantising on the way. Keys and tensors lie in the order in which
 * they were added; the same calls give the same bytes. Not safe for concurrent use.
 */
public final class GgufWriter {
  private final Map<String, byte[]> metadata = new LinkedHashMap<>();
  private final Map<String, TensorDraft> tensors = new LinkedHashMap<>();

  /** Adds a string. */
  public GgufWriter put(String key, String value) {
    return put(key, GgufType.STRING, string(value));
  }

  /** Adds a string of UTF-8 bytes. */
  GgufWriter put(String key, byte[] utf8) {
    return put(key, GgufType.STRING, string(utf8));
  }

  /** Adds a value of another file as it is. */
  public GgufWriter copy(GgufMetadata metadata, String key) {
    return putEncoded(key, metadata.encoded(key));
  }

  /** Adds an unsigned 32-bit integer; {@code value} is not negative. */
  public GgufWriter put(String key, int value) {
    return put(key, GgufType.UINT32, buffer(4).putInt(value).array());
  }

  /** Adds an unsigned 64-bit integer; {@code value} is not negative. */
  public GgufWriter put(String key, long value) {
    return put(key, GgufType.UINT64, buffer(8).putLong(value).array());
  }

  /** Adds an fp32 number. */
  public GgufWriter put(String key, float value) {
    return put(key, GgufType.FLOAT32, buffer(4).putFloat(value).array());
  }

  /** Adds a boolean. */
  public GgufWriter put(String key, boolean value) {
    return put(key, GgufType.BOOL, new byte[] {(byte) (value ? 1 : 0)});
  }

  /** Adds an array of strings. */
  public GgufWriter put(String key, String[] values) {
    ByteArrayOutputStream elements = new ByteArrayOutputStream();
    for (String value : values) {
      elements.writeBytes(string(value));
    }
    return putArray(key, GgufType.STRING, values.length, elements.toByteArray());
  }

  /** Adds an array of signed 32-bit integers. */
  public GgufWriter put(String key, int[] values) {
    ByteBuffer elements = buffer(Math.multiplyExact(values.length, 4));
    for (int value : values) {
      elements.putInt(value);
    }
    return putArray(key, GgufType.INT32, values.length, elements.array());
  }

  /** Adds an array of fp32 numbers. */
  public GgufWriter put(String key, float[] values) {
    ByteBuffer elements = buffer(Math.multiplyExact(values.length, 4));
    for (float value : values) {
      elements.putFloat(value);
    }
    return putArray(key, GgufType.FLOAT32, values.length, elements.array());
  }

  /** Adds a tensor; {@code shape} is outermost first and {@code values} row-major. */
  public GgufWriter add(String name, DType dtype, long[] shape, float[] values) {
    if (TensorTable.elements(shape) != values.length) {
      throw new IllegalArgumentException(
          "tensor " + name + ": " + values.length + " values do not fill its shape");
    }
    return add(name, dtype, shape, RowSource.of(values));
  }

  /**
   * Adds a tensor whose rows are asked for when the file is written; {@code shape} is outermost
   * first.
   */
  public GgufWriter add(String name, DType dtype, long[] shape, RowSource source) {
    if (tensors.put(name, new TensorDraft(name, dtype, shape, source)) != null) {
      throw new IllegalArgumentException("tensor " + name + " was added twice");
    }
    return this;
  }

  /** Writes the file, replacing what is there. */
  public void write(Path path) throws IOException {
    byte[] header = header();
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path), 1 << 16)) {
      out.write(header);
      out.write(new byte[padding(header.length)]);
      for (TensorDraft tensor : tensors.values()) {
        tensor.write(out);
        out.write(new byte[padding(tensor.byteSize())]);
      }
    }
  }

  private byte[] header() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(buffer(8).putInt(GgufFile.MAGIC).putInt(3).array());
    out.writeBytes(buffer(16).putLong(tensors.size()).putLong(metadata.size()).array());
    for (Map.Entry<String, byte[]> entry : metadata.entrySet()) {
      out.writeBytes(string(entry.getKey()));
      out.writeBytes(entry.getValue());
    }
    long offset = 0;
    for (TensorDraft tensor : tensors.values()) {
      long[] shape = tensor.shape();
      out.writeBytes(string(tensor.name()));
      out.writeBytes(buffer(4).putInt(shape.length).array());
      for (int i = shape.length - 1; i >= 0; i--) {
        out.writeBytes(buffer(8).putLong(shape[i]).array());
      }
      int type = GgmlTypes.number(tensor.dtype());
      out.writeBytes(buffer(12).putInt(type).putLong(offset).array());
      offset += tensor.byteSize();
      offset += padding(offset);
    }
    return out.toByteArray();
  }

  private GgufWriter put(String key, GgufType type, byte[] payload) {
    return putEncoded(key, buffer(4 + payload.length).putInt(type.ordinal()).put(payload).array());
  }

  private GgufWriter putEncoded(String key, byte[] value) {
    if (metadata.put(key, value) != null) {
      throw new IllegalArgumentException("metadata key " + key + " was added twice");
    }
    return this;
  }

  private GgufWriter putArray(String key, GgufType element, int count, byte[] elements) {
    ByteBuffer payload = buffer(12 + elements.length);
    payload.putInt(element.ordinal()).putLong(count).put(elements);
    return put(key, GgufType.ARRAY, payload.array());
  }

  private static int padding(long length) {
    return (int) Math.floorMod(-length, (long) GgufFile.DEFAULT_ALIGNMENT);
  }

  private static byte[] string(String value) {
    return string(value.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] string(byte[] utf8) {
    return buffer(8 + utf8.length).putLong(utf8.length).put(utf8).array();
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
