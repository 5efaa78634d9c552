package dev.nightjar.engine.format;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import dev.nightjar.engine.tensor.TensorStore;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A memory-mapped safetensors file. Everything the header says is checked against the file at open.
 * Element types other than F32, F16 and BF16 are listed as {@link #unsupported()}; asking for such
 * a tensor is an error. Immutable and safe for concurrent reads until closed.
 */
public final class SafetensorsFile implements TensorStore {
  private static final long MAX_HEADER_BYTES = 100_000_000;
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MappedFile file;
  private final TensorTable tensors;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private long dataStart;

  private SafetensorsFile(MappedFile file) {
    this.file = file;
    this.tensors = new TensorTable(file);
  }

  /** Maps the file and checks its header; faults are {@code INVALID_MODEL} errors. */
  public static SafetensorsFile open(Path path) {
    SafetensorsFile opened = new SafetensorsFile(MappedFile.open(path));
    boolean valid = false;
    try {
      opened.readHeader();
      valid = true;
      return opened;
    } finally {
      if (!valid) {
        opened.close();
      }
    }
  }

  /** The file. */
  public Path path() {
    return file.path();
  }

  /** The strings under {@code __metadata__}. */
  public Map<String, String> metadata() {
    return Map.copyOf(metadata);
  }

  /** Tensors whose element type cannot be read. */
  public Collection<UnsupportedTensor> unsupported() {
    return tensors.unsupported();
  }

  @Override
  public Optional<Tensor> find(String name) {
    return tensors.find(name);
  }

  @Override
  public Collection<Tensor> all() {
    return tensors.all();
  }

  @Override
  public void close() {
    file.close();
  }

  /** Whether the name is listed, readable or not. */
  boolean contains(String name) {
    return tensors.contains(name);
  }

  private void readHeader() {
    if (file.size() < 8) {
      throw file.invalid(
          "the file has %d bytes, expected at least 8; it is truncated, download it again"
              .formatted(file.size()));
    }
    long headerBytes = file.bytes().get(LONG, 0);
    if (headerBytes < 0 || headerBytes > Math.min(MAX_HEADER_BYTES, file.size() - 8)) {
      throw file.invalid(
          ("the header claims %s bytes, expected at most %d (file size %d); the file is truncated"
                  + " or not a safetensors file, download it again")
              .formatted(
                  Long.toUnsignedString(headerBytes),
                  Math.min(MAX_HEADER_BYTES, file.size() - 8),
                  file.size()));
    }
    dataStart = 8 + headerBytes;
    tensors.dataStartsAt(dataStart);
    byte[] header = file.bytes().asSlice(8, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    try (JsonParser json = JsonFiles.parser(header)) {
      expect(json.nextToken(), JsonToken.START_OBJECT, "the header");
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        if ("__metadata__".equals(name)) {
          readMetadata(json);
        } else {
          readTensor(json, name);
        }
      }
      if (json.nextToken() != null) {
        throw file.invalid("the header has more than one JSON value; re-export the model");
      }
    } catch (IOException e) {
      throw JsonFiles.malformed(file.name(), ErrorCode.INVALID_MODEL, e);
    }
  }

  private void readMetadata(JsonParser json) throws IOException {
    expect(json.nextToken(), JsonToken.START_OBJECT, "__metadata__");
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      expect(
          json.nextToken(),
          JsonToken.VALUE_STRING,
          "__metadata__ entry \"" + Excerpt.of(key) + "\"");
      metadata.put(key, json.getText());
    }
  }

  private void readTensor(JsonParser json, String name) throws IOException {
    String thing = "the description of tensor \"" + Excerpt.of(name) + "\"";
    expect(json.nextToken(), JsonToken.START_OBJECT, thing);
    String type = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      JsonToken token = json.nextToken();
      switch (key) {
        case "dtype" -> {
          expect(token, JsonToken.VALUE_STRING, "dtype in " + thing);
          type = json.getText();
        }
        case "shape" -> shape = readLongs(json, "shape in " + thing);
        case "data_offsets" -> offsets = readLongs(json, "data_offsets in " + thing);
        default -> json.skipChildren();
      }
    }
    if (type == null || shape == null || offsets == null) {
      throw file.invalid(
          thing + " lacks dtype, shape or data_offsets, expected all three; re-export the model");
    }
    addTensor(name, type, shape, offsets);
  }

  private void addTensor(String name, String type, long[] shape, long[] offsets) {
    long dataBytes = file.size() - dataStart;
    if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
      throw file.invalid(
          ("tensor \"%s\" has data_offsets %s, expected [begin, end] with begin <= end <= %d, the"
                  + " bytes in the file; the file is truncated or damaged, download it again")
              .formatted(Excerpt.of(name), Arrays.toString(offsets), dataBytes));
    }
    switch (type) {
      case "F32" -> add(name, DType.F32, shape, offsets);
      case "F16" -> add(name, DType.F16, shape, offsets);
      case "BF16" -> add(name, DType.BF16, shape, offsets);
      default ->
          tensors.addUnsupported(
              name,
              Excerpt.of(type),
              shape,
              "its element type is not supported (supported: F32, F16, BF16);"
                  + " re-export the model in one of these");
    }
  }

  private void add(String name, DType dtype, long[] shape, long[] offsets) {
    tensors.add(name, dtype, shape, offsets[0], offsets[1] - offsets[0]);
  }

  /** Reads an array of at most {@link TensorTable#MAX_DIMENSIONS} non-negative integers. */
  private long[] readLongs(JsonParser json, String thing) throws IOException {
    expect(json.currentToken(), JsonToken.START_ARRAY, thing);
    long[] values = new long[TensorTable.MAX_DIMENSIONS];
    int count = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(json.currentToken(), JsonToken.VALUE_NUMBER_INT, "an element of " + thing);
      if (count == values.length) {
        throw file.invalid(thing + " has more than " + values.length + " elements; re-export it");
      }
      values[count] = json.getLongValue();
      if (values[count] < 0) {
        throw file.invalid(
            thing + " holds " + values[count] + ", expected no negative number; re-export it");
      }
      count++;
    }
    return Arrays.copyOf(values, count);
  }

  private void expect(JsonToken found, JsonToken expected, String thing) {
    if (found != expected) {
      throw file.invalid(
          "%s is %s in the JSON header, expected %s; the file is damaged, download it again"
              .formatted(thing, found, expected));
    }
  }
}
