package dev.nightjar.engine.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.nightjar.engine.tensor.DType;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes safetensors files. Tensors lie in the order in which they were added; the same calls give
 * the same bytes. Not safe for concurrent use.
 */
public final class SafetensorsWriter {
  private static final JsonFactory JSON = new JsonFactory();

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, TensorDraft> tensors = new LinkedHashMap<>();

  /** Adds an entry to {@code __metadata__}. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds an F32 tensor; {@code shape} is outermost first and {@code values} row-major. */
  public SafetensorsWriter add(String name, long[] shape, float[] values) {
    if (TensorTable.elements(shape) != values.length) {
      throw new IllegalArgumentException(
          "tensor " + name + ": " + values.length + " values do not fill its shape");
    }
    return add(name, DType.F32, shape, RowSource.of(values));
  }

  /**
   * Adds a tensor whose rows are asked for when the file is written; {@code dtype} is F32, F16 or
   * BF16.
   */
  public SafetensorsWriter add(String name, DType dtype, long[] shape, RowSource source) {
    if (dtype.blockElements() != 1) {
      throw new IllegalArgumentException("safetensors files cannot hold " + dtype);
    }
    if (tensors.put(name, new TensorDraft(name, dtype, shape, source)) != null) {
      throw new IllegalArgumentException("tensor " + name + " was added twice");
    }
    return this;
  }

  /** Writes the file, replacing what is there. */
  public void write(Path path) throws IOException {
    byte[] header = header();
    int padding = Math.floorMod(-header.length, 8);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path), 1 << 16)) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      out.write(length.putLong(header.length + padding).array());
      out.write(header);
      for (int i = 0; i < padding; i++) {
        out.write(' '); // as the format's own writer does, so that the data is aligned
      }
      for (TensorDraft tensor : tensors.values()) {
        tensor.write(out);
      }
    }
  }

  private byte[] header() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (TensorDraft tensor : tensors.values()) {
        json.writeObjectFieldStart(tensor.name());
        json.writeStringField("dtype", tensor.dtype().name());
        json.writeFieldName("shape");
        json.writeArray(tensor.shape(), 0, tensor.shape().length);
        long end = offset + tensor.byteSize();
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }
}
