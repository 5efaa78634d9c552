package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestSafetensorsFile {
  @TempDir Path folder;

  @Test
  void readsWhatTheWriterWrote() throws IOException {
    Path path = folder.resolve("model.safetensors");
    float[] values = {1, -2, 3.5f, 0.25f, 65504, -0f};
    new SafetensorsWriter()
        .metadata("format", "pt")
        .add("plain", new long[] {2, 3}, values)
        .add("half \"quoted\" é", DType.F16, new long[] {3, 2}, RowSource.of(values))
        .add("brain", DType.BF16, new long[] {6}, RowSource.of(new float[] {1, 2, 3, 4, 5, 6}))
        .add("scalar", new long[0], new float[] {9})
        .add("empty", new long[] {0, 4}, new float[0])
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
      assertThat(file.all())
          .extracting(Tensor::toString)
          .containsExactly(
              "plain F32[2, 3]", "half \"quoted\" é F16[3, 2]", "brain BF16[6]", "scalar F32[]");
      assertThat(row(file, "plain", 1)).containsExactly(0.25f, 65504, -0f);
      assertThat(row(file, "half \"quoted\" é", 2)).containsExactly(65504, -0f);
      assertThat(row(file, "brain", 0)).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(row(file, "scalar", 0)).containsExactly(9);
      assertThat(file.unsupported()).extracting(UnsupportedTensor::name).containsExactly("empty");
      assertThat(file.find("other")).isEmpty();
    }
  }

  @Test
  void dataOfTheWriterIsAligned() throws IOException {
    Path path = folder.resolve("a.safetensors");
    new SafetensorsWriter().add("abc", new long[] {1}, new float[] {1}).write(path);
    byte[] bytes = Files.readAllBytes(path);
    assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8).isZero();
  }

  @Test
  void readsAHandWrittenHeaderWithHolesAndAnyOrder() throws IOException {
    String header =
        "{\"b\":{\"data_offsets\":[8,12],\"shape\":[1,1],\"dtype\":\"F32\",\"extra\":[{}]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(0, 5f).putFloat(8, 6f);
    try (SafetensorsFile file = SafetensorsFile.open(write(header, data.array()))) {
      assertThat(row(file, "a", 0)).containsExactly(5f);
      assertThat(row(file, "b", 0)).containsExactly(6f);
    }
  }

  @Test
  void unsupportedElementTypesAreListedAndRefusedByName() throws IOException {
    String header =
        "{\"ids\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
            + "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]}}";
    try (SafetensorsFile file = SafetensorsFile.open(write(header, new byte[20]))) {
      assertThat(file.all()).extracting(Tensor::name).containsExactly("w");
      assertThat(file.unsupported())
          .extracting(UnsupportedTensor::name, UnsupportedTensor::type)
          .containsExactly(tuple("ids", "I64"));
      assertThatThrownBy(() -> file.find("ids"))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("model.safetensors: tensor \"ids\" of type I64[2] cannot be read")
          .hasMessageContaining("supported: F32, F16, BF16");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | occupies 4 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}} | begin <= end <= 16",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}} | begin <= end <= 16",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0]}} | begin <= end <= 16",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}} | holds -2",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,8]}} | holds -8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}"
            + " | impossible shape",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2305843009213693953,2],\"data_offsets\":[0,8]}}"
            + " | more than 2^63",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e1],\"data_offsets\":[0,8]}} | VALUE_NUMBER_FLOAT",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}"
            + " | malformed JSON",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}"
            + " | more than 8 elements",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}} | lacks dtype, shape or data_offsets",
        "{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}} | expected VALUE_STRING",
        "{\"a\":[1]} | expected START_OBJECT",
        "[] | expected START_OBJECT",
        "{} {} | more than one JSON value",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]} | malformed JSON",
        "{\"__metadata__\":{\"a\":1}} | expected VALUE_STRING",
        "{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
            + " | Duplicate field 'a'",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"c\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"d\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"e\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"f\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}} | overlap",
      })
  void lyingHeadersAreRefused(String header, String problem) throws IOException {
    byte[] data = new byte[16];
    assertInvalid(write(header, data), problem);
  }

  @Test
  void deepNestingIsRefused() throws IOException {
    String header = "{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertInvalid(write(header, new byte[0]), "expected START_OBJECT");
    String extra = "{\"a\":{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}";
    assertInvalid(write(extra, new byte[0]), "nesting depth");
  }

  @Test
  void headerLengthsBeyondTheFileAreRefused() throws IOException {
    Path path = folder.resolve("model.safetensors");
    for (long length : new long[] {3, 1L << 40, -1, Long.MIN_VALUE}) {
      ByteBuffer bytes = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
      Files.write(path, bytes.putLong(length).put((byte) '{').put((byte) '}').array());
      assertInvalid(path, "the header claims " + Long.toUnsignedString(length) + " bytes");
    }
  }

  @Test
  void truncatedAndMissingFilesAreRefused() throws IOException {
    Path path = folder.resolve("model.safetensors");
    assertInvalid(path, "does not exist");
    assertInvalid(folder, "is not a regular file");
    Files.write(path, new byte[0]);
    assertInvalid(path, "the file has 0 bytes");
    Files.write(path, new byte[7]);
    assertInvalid(path, "the file has 7 bytes");
  }

  @Test
  void tensorsAreUnusableAfterClose() throws IOException {
    Path path = folder.resolve("a.safetensors");
    new SafetensorsWriter().add("a", new long[] {1}, new float[] {1}).write(path);
    SafetensorsFile file = SafetensorsFile.open(path);
    Tensor tensor = file.find("a").orElseThrow();
    file.close();
    assertThatThrownBy(() -> tensor.readRow(0, new float[1], 0))
        .isInstanceOf(IllegalStateException.class);
  }

  private static float[] row(SafetensorsFile file, String name, int row) {
    Tensor tensor = file.find(name).orElseThrow();
    float[] out = new float[tensor.columns()];
    tensor.readRow(row, out, 0);
    return out;
  }

  private static void assertInvalid(Path path, String problem) {
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MODEL))
        .hasMessageContaining(path.getFileName().toString())
        .hasMessageContaining(problem);
  }

  private Path write(String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).put(data);
    return Files.write(folder.resolve("model.safetensors"), bytes.array());
  }
}
