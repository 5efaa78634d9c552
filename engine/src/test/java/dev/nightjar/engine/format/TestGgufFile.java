package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestGgufFile {
  private static final int ARRAY = 9;

  @TempDir Path folder;
  private Path path;

  @BeforeEach
  void namePath() {
    path = folder.resolve("model.gguf");
  }

  @Test
  void readsMetadataThatTheWriterWrote() throws IOException {
    new GgufWriter()
        .put("text", "grüße")
        .put("count", 7)
        .put("size", 1L << 40)
        .put("eps", 1e-5f)
        .put("flag", true)
        .put("words", new String[] {"a", "", "▁b"})
        .put("kinds", new int[] {1, -2, 3})
        .put("scores", new float[] {0.5f, -1})
        .put("none", new String[0])
        .write(path);
    try (GgufFile file = GgufFile.open(path)) {
      GgufMetadata metadata = file.metadata();
      assertThat(file.version()).isEqualTo(3);
      assertThat(metadata.keys())
          .containsExactly(
              "text", "count", "size", "eps", "flag", "words", "kinds", "scores", "none");
      assertThat(metadata.stringValue("text")).isEqualTo("grüße");
      assertThat(metadata.findString("text")).contains("grüße");
      assertThat(metadata.findString("absent")).isEmpty();
      assertThat(metadata.intValue("count")).isEqualTo(7);
      assertThat(metadata.intValue("absent", 3)).isEqualTo(3);
      assertThat(metadata.longValue("size")).isEqualTo(1L << 40);
      assertThat(metadata.longValue("absent", -1)).isEqualTo(-1);
      assertThat(metadata.floatValue("eps")).isEqualTo(1e-5f);
      assertThat(metadata.floatValue("absent", 2f)).isEqualTo(2f);
      assertThat(metadata.booleanValue("flag")).isTrue();
      assertThat(metadata.booleanValue("absent", true)).isTrue();
      assertThat(metadata.arrayLength("words")).isEqualTo(3);
      assertThat(metadata.strings("words")).containsExactly("a", "", "▁b");
      assertThat(metadata.ints("kinds")).containsExactly(1, -2, 3);
      assertThat(metadata.floats("scores")).containsExactly(0.5f, -1f);
      assertThat(metadata.floats("kinds")).containsExactly(1f, -2f, 3f);
      assertThat(metadata.strings("none")).isEmpty();
      assertThat(metadata.ints("none")).isEmpty();
      assertThat(metadata.describe("kinds")).isEqualTo("ARRAY of INT32[3]");
      assertThat(metadata.raw("count").byteSize()).isEqualTo(4);
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void readsTensorsThatTheWriterWrote(DType dtype) throws IOException {
    int columns = 256;
    float[] values = new float[3 * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 16 - 8;
    }
    new GgufWriter()
        .add("first", DType.F32, new long[] {1}, new float[] {5})
        .add("second", dtype, new long[] {3, columns}, values)
        .write(path);
    try (GgufFile file = GgufFile.open(path)) {
      Tensor tensor = file.find("second").orElseThrow();
      assertThat(tensor.toString()).isEqualTo("second " + dtype + "[3, 256]");
      float[] row = new float[columns];
      for (int r = 0; r < 3; r++) {
        tensor.readRow(r, row, 0);
        for (int i = 0; i < columns; i++) {
          float expected = values[columns * r + i];
          assertThat(row[i]).isBetween(expected - tolerance(dtype), expected + tolerance(dtype));
        }
      }
    }
  }

  /** What becomes of -8, -7, ..., 7. */
  private static float tolerance(DType dtype) {
    return switch (dtype) {
      case F32, F16, BF16, Q4_0, Q5_0 -> 0;
      case Q8_0, Q4_1, Q4_K, Q5_1, Q5_K, Q6_K -> 0.26f;
      case IQ4_NL, IQ4_XS, Q3_K -> 1.3f;
      case Q2_K -> 3;
    };
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void readsEveryValueTypeOfBothVersions(int version) throws IOException {
    everyValueType(version).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      GgufMetadata metadata = file.metadata();
      assertThat(file.version()).isEqualTo(version);
      assertThat(metadata.intValue("u8")).isEqualTo(200);
      assertThat(metadata.intValue("i8")).isEqualTo(-100);
      assertThat(metadata.intValue("u16")).isEqualTo(60000);
      assertThat(metadata.intValue("i16")).isEqualTo(-30000);
      assertThat(metadata.longValue("u32")).isEqualTo(0xffff_ffffL);
      assertThat(metadata.intValue("i32")).isEqualTo(-1);
      assertThat(metadata.floatValue("f32")).isEqualTo(0.5f);
      assertThat(metadata.booleanValue("bool")).isTrue();
      assertThat(metadata.stringValue("string")).isEqualTo("s");
      assertThat(metadata.longValue("u64")).isEqualTo(1L << 62);
      assertThat(metadata.longValue("i64")).isEqualTo(-5);
      assertThat(metadata.floatValue("f64")).isEqualTo(0.25f);
      assertThat(metadata.floatValue("u16")).isEqualTo(60000f);
      assertThat(metadata.ints("u8s")).containsExactly(255, 1);
      assertThat(metadata.describe("nested")).isEqualTo("ARRAY of ARRAY[2]");
    }
  }

  private static GgufBytes everyValueType(int version) {
    return GgufBytes.header(version, 0, 14)
        .key("u8", 0)
        .i8(200)
        .key("i8", 1)
        .i8(-100)
        .key("u16", 2)
        .i16(60000)
        .key("i16", 3)
        .i16(-30000)
        .key("u32", 4)
        .i32(-1)
        .key("i32", 5)
        .i32(-1)
        .key("f32", 6)
        .f32(0.5f)
        .key("bool", 7)
        .i8(1)
        .key("string", 8)
        .string("s")
        .key("u64", 10)
        .i64(1L << 62)
        .key("i64", 11)
        .i64(-5)
        .key("f64", 12)
        .f64(0.25)
        .key("u8s", ARRAY)
        .i32(0)
        .i64(2)
        .i8(255)
        .i8(1)
        .key("nested", ARRAY)
        .i32(ARRAY)
        .i64(2)
        .i32(8)
        .i64(1)
        .string("x")
        .i32(5)
        .i64(0);
  }

  @Test
  void errorsOfAccessorsNameKeyFoundAndExpected() throws IOException {
    GgufBytes.header(3, 0, 4)
        .key("text", 8)
        .string("s")
        .key("big", 10)
        .i64(-1)
        .key("wide", 4)
        .i32(-1)
        .key("flags", ARRAY)
        .i32(7)
        .i64(1)
        .i8(1)
        .write(path);
    try (GgufFile file = GgufFile.open(path)) {
      GgufMetadata metadata = file.metadata();
      String text = "metadata key \"text\" holds STRING, expected ";
      assertInvalid(() -> metadata.intValue("text"), text + "an integer");
      assertInvalid(() -> metadata.floatValue("text"), text + "a number");
      assertInvalid(() -> metadata.booleanValue("text"), text + "a boolean");
      assertInvalid(() -> metadata.strings("text"), text + "an array of strings");
      assertInvalid(() -> metadata.ints("text"), text + "an array of integers");
      assertInvalid(() -> metadata.floats("text"), text + "an array of numbers");
      assertInvalid(() -> metadata.stringValue("wide"), "holds UINT32, expected a string");
      assertInvalid(() -> metadata.stringValue("no"), "key \"no\" is missing, expected a string");
      assertInvalid(
          () -> metadata.ints("flags"), "holds ARRAY of BOOL[1], expected an array of int");
      assertInvalid(() -> metadata.floats("flags"), "holds ARRAY of BOOL[1]");
      assertInvalid(() -> metadata.strings("flags"), "holds ARRAY of BOOL[1]");
      assertInvalid(() -> metadata.longValue("big"), "holds 18446744073709551615");
      assertInvalid(() -> metadata.intValue("wide"), "is 4294967295, expected a 32-bit integer");
    }
  }

  @Test
  void dimensionsAreReversedToOutermostFirst() throws IOException {
    GgufBytes.header(3, 1, 0).tensor("t", 0, 0, 2, 3).padTo(32).i64(0).i64(0).i64(0).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.find("t").orElseThrow().shape()).containsExactly(3, 2);
    }
  }

  @Test
  void alignmentIsTakenFromTheMetadata() throws IOException {
    GgufBytes.header(3, 1, 1)
        .key(GgufFile.ALIGNMENT_KEY, 4)
        .i32(256)
        .tensor("t", 0, 256, 1)
        .padTo(256)
        .i8(0)
        .padTo(256)
        .f32(42)
        .write(path);
    try (GgufFile file = GgufFile.open(path)) {
      float[] out = new float[1];
      file.find("t").orElseThrow().readRow(0, out, 0);
      assertThat(out[0]).isEqualTo(42f);
    }
  }

  @Test
  void unsupportedQuantisationsAreListedAndRefusedByName() throws IOException {
    GgufBytes.header(3, 2, 0)
        .tensor("k", 16, 0, 256)
        .tensor("new", 999, 1L << 50, 256)
        .padTo(32)
        .write(path);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.all()).isEmpty();
      assertThat(file.contains("k")).isTrue();
      assertThat(file.unsupported())
          .extracting(UnsupportedTensor::type)
          .containsExactly("IQ2_XXS", "ggml type 999");
      assertInvalid(
          () -> file.find("k"),
          "tensor \"k\" of type IQ2_XXS[256] cannot be read: this element type is not supported;"
              + " get the model in Q2_K, or convert it to that");
      assertInvalid(() -> file.find("new"), "of type ggml type 999[256] cannot be read");
    }
  }

  @Test
  void tensorsWithoutElementsAreNotReadable() throws IOException {
    // Nothing in the file bounds the other dimensions.
    GgufBytes.header(3, 1, 0).tensor("t", 0, 0, Integer.MAX_VALUE, 0).padTo(32).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.all()).isEmpty();
      assertInvalid(() -> file.find("t"), "cannot be read: it has no elements");
    }
  }

  @Test
  void wrongMagicAndVersionsAreRefused() throws IOException {
    new GgufBytes().i32(0x12345678).i32(3).i64(0).i64(0).write(path);
    assertRefused("does not begin with \"GGUF\"");
    GgufBytes.header(1, 0, 0).write(path);
    assertRefused("GGUF version 1, expected 2 or 3");
    GgufBytes.header(3 << 24, 0, 0).write(path);
    assertRefused("GGUF version 3 big-endian");
  }

  @Test
  void countsBeyondTheFileAreRefusedBeforeAnythingIsAllocated() throws IOException {
    for (long count : new long[] {1L << 40, -1, Long.MAX_VALUE, 2}) {
      GgufBytes.header(3, count, 0).i64(0).write(path);
      assertRefused("the number of tensors at byte 8 is " + Long.toUnsignedString(count));
      GgufBytes.header(3, 0, count).i64(0).write(path);
      assertRefused("the number of metadata keys at byte 16 is " + Long.toUnsignedString(count));
      GgufBytes.header(3, 0, 1).key("k", ARRAY).i32(8).i64(count).i64(0).write(path);
      assertRefused("the length of the value of metadata key \"k\"");
      GgufBytes.header(3, 0, 1).i64(count > 2 ? count : -9).i64(0).write(path);
      assertRefused("metadata key 0 at byte 24 is ");
    }
    GgufBytes.header(3, 0, 1).key("k", 8).i64(-3).i64(0).write(path);
    assertRefused("needs 18446744073709551613 bytes");
  }

  @Test
  void metadataFaultsAreRefused() throws IOException {
    GgufBytes.header(3, 0, 1).key("k", 13).i64(0).write(path);
    assertRefused("the value of metadata key \"k\" has type number 13");
    GgufBytes.header(3, 0, 2).key("k", 0).i8(0).key("k", 0).i8(0).write(path);
    assertRefused("metadata key \"k\" appears twice");
    GgufBytes nested = GgufBytes.header(3, 0, 1).key("k", ARRAY);
    for (int i = 0; i < 2000; i++) {
      nested.i32(ARRAY).i64(1);
    }
    nested.write(path);
    assertRefused("nests arrays more than 4 deep");
    for (int alignment : new int[] {0, 3, -32, 1 << 30}) {
      GgufBytes.header(3, 0, 1).key(GgufFile.ALIGNMENT_KEY, 5).i32(alignment).write(path);
      assertRefused("\"general.alignment\" is " + alignment + ", expected a power of two");
    }
  }

  @Test
  void tensorFaultsAreRefused() throws IOException {
    tensorFile(0, 0, 1L << 62, 1L << 62);
    assertRefused("ends beyond the end of the file");
    tensorFile(0, 0, -1);
    assertRefused("ends beyond the end of the file");
    tensorFile(0, 0, 17);
    assertRefused("ends beyond the end of the file");
    tensorFile(0, 64, 1);
    assertRefused("begins at offset 64, expected a multiple of 32 up to 60");
    tensorFile(0, -32, 1);
    assertRefused("begins at offset 18446744073709551584");
    tensorFile(0, 8, 1);
    assertRefused("begins at offset 8, expected a multiple of 32");
    tensorFile(8, 0, 16);
    assertRefused("has rows of 16 elements, expected a multiple of 32 for Q8_0");
    tensorFile(0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    assertRefused("has 9 dimensions, expected at most 8");
    GgufBytes.header(3, 2, 0)
        .tensor("t", 0, 0, 1)
        .tensor("t", 0, 0, 1)
        .padTo(32)
        .i64(0)
        .write(path);
    assertRefused("tensor \"t\" is listed twice");
    GgufBytes.header(3, 2, 0)
        .tensor("t", 0, 0, 2)
        .tensor("u", 0, 0, 2)
        .padTo(32)
        .i64(0)
        .write(path);
    assertRefused("the tensors up to \"u\" overlap");
    GgufBytes.header(3, 1, 0).tensor("t", 0, 0, 0).write(path);
    assertRefused("the data should begin at byte 64, but the file has 57");
  }

  /** One tensor and 60 bytes of data. */
  private void tensorFile(int type, long offset, long... shape) throws IOException {
    GgufBytes bytes = GgufBytes.header(3, 1, 0).tensor("t", type, offset, shape).padTo(32);
    for (int i = 0; i < 15; i++) {
      bytes.i32(0);
    }
    bytes.write(path);
  }

  private void assertRefused(String problem) {
    assertInvalid(() -> GgufFile.open(path).close(), problem);
  }

  private static void assertInvalid(ThrowingCallable call, String problem) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MODEL))
        .hasMessageStartingWith("model.gguf: ")
        .hasMessageContaining(problem);
  }
}
