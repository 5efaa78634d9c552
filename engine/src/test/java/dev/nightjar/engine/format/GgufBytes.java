package dev.nightjar.engine.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** GGUF files put together byte by byte, including wrong ones. */
final class GgufBytes {
  private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

  /** A header with these counts. */
  static GgufBytes header(int version, long numTensors, long numPairs) {
    return new GgufBytes().i32(0x46554747).i32(version).i64(numTensors).i64(numPairs);
  }

  GgufBytes i8(int value) {
    bytes.put((byte) value);
    return this;
  }

  GgufBytes i16(int value) {
    bytes.putShort((short) value);
    return this;
  }

  GgufBytes i32(int value) {
    bytes.putInt(value);
    return this;
  }

  GgufBytes i64(long value) {
    bytes.putLong(value);
    return this;
  }

  GgufBytes f32(float value) {
    bytes.putFloat(value);
    return this;
  }

  GgufBytes f64(double value) {
    bytes.putDouble(value);
    return this;
  }

  GgufBytes string(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    bytes.putLong(utf8.length).put(utf8);
    return this;
  }

  /** A key with the number of its value's type. */
  GgufBytes key(String key, int type) {
    return string(key).i32(type);
  }

  GgufBytes tensor(String name, int type, long offset, long... innermostFirst) {
    string(name).i32(innermostFirst.length);
    for (long dimension : innermostFirst) {
      i64(dimension);
    }
    return i32(type).i64(offset);
  }

  GgufBytes padTo(int alignment) {
    while (bytes.position() % alignment != 0) {
      i8(0);
    }
    return this;
  }

  Path write(Path path) throws IOException {
    byte[] content = new byte[bytes.position()];
    bytes.get(0, content);
    return Files.write(path, content);
  }
}
