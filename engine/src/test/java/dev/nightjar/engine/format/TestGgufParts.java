package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestGgufParts {
  private static final int UINT16 = 2;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void anyPartOpensAll(int given) throws IOException {
    writeParts();
    try (GgufFile file = GgufFile.open(part(given))) {
      assertThat(file.path()).isEqualTo(part(1));
      assertThat(file.paths()).containsExactly(part(1), part(2), part(3));
      assertThat(file.metadata().stringValue("general.architecture")).isEqualTo("llama");
      assertThat(file.all()).extracting(Tensor::name).containsExactly("a", "b", "c");
      float[] value = new float[1];
      file.find("c").orElseThrow().readRow(0, value, 0);
      assertThat(value[0]).isEqualTo(3f);
      assertThat(file.contains("b")).isTrue();
      assertThat(file.find("d")).isEmpty();
    }
  }

  @Test
  void partsAreKnownByTheirNames() {
    assertThat(GgufFile.areParts(List.of("m-00001-of-00002.gguf", "m-00002-of-00002.gguf")))
        .isTrue();
    assertThat(GgufFile.areParts(List.of("m-00001-of-00002.gguf", "n-00002-of-00002.gguf")))
        .isFalse();
    assertThat(GgufFile.areParts(List.of("m-00002-of-00002.gguf"))).isFalse();
    assertThat(GgufFile.modelName("m-00001-of-00002.gguf")).isEqualTo("m");
    assertThat(GgufFile.modelName("m-q4.gguf")).isEqualTo("m-q4");
  }

  @Test
  void missingPartIsNamed() throws IOException {
    writeParts();
    Files.delete(part(2));
    assertRefused(
        part(3),
        "m-00001-of-00003.gguf: part 2 of 3, m-00002-of-00003.gguf, is missing; put all parts in"
            + " one folder");
    Files.delete(part(1));
    assertRefused(part(3), "m-00003-of-00003.gguf: part 1 of 3, m-00001-of-00003.gguf, is missing");
  }

  @Test
  void partsThatDoNotBelongTogetherAreRefused() throws IOException {
    writeParts();
    Files.copy(part(2), folder.resolve("other.gguf"));
    assertRefused(
        folder.resolve("other.gguf"),
        "a part of a model split into 3 files, expected a name like model-00001-of-00003.gguf");
    writePart(3, 1, 3, "c");
    assertRefused(part(1), "says that it is part 2 of 3, expected part 3 of 3");
    writePart(3, 2, 4, "c");
    assertRefused(part(1), "says that it is part 3 of 4, expected part 3 of 3");
    writePart(3, 2, 3, "a");
    assertRefused(part(1), "tensor \"a\" is listed twice");
  }

  @Test
  void missingTensorsAreCounted() throws IOException {
    writeParts();
    GgufBytes.header(3, 0, 2)
        .key(GgufParts.NUMBER_KEY, UINT16)
        .i16(2)
        .key(GgufParts.COUNT_KEY, UINT16)
        .i16(3)
        .padTo(32)
        .write(part(3));
    assertRefused(part(1), "the 3 parts have 2 tensors, expected 3 (split.tensors.count)");
  }

  private void writeParts() throws IOException {
    GgufBytes.header(3, 1, 4)
        .key("general.architecture", 8)
        .string("llama")
        .key(GgufParts.NUMBER_KEY, UINT16)
        .i16(0)
        .key(GgufParts.COUNT_KEY, UINT16)
        .i16(3)
        .key(GgufParts.TENSORS_KEY, 5)
        .i32(3)
        .tensor("a", 0, 0, 1)
        .padTo(32)
        .f32(1)
        .write(part(1));
    writePart(2, 1, 3, "b");
    writePart(3, 2, 3, "c");
  }

  /** A part after the first, with its number as the one value of its one tensor. */
  private void writePart(int part, int number, int count, String tensor) throws IOException {
    GgufBytes.header(3, 1, 2)
        .key(GgufParts.NUMBER_KEY, UINT16)
        .i16(number)
        .key(GgufParts.COUNT_KEY, UINT16)
        .i16(count)
        .tensor(tensor, 0, 0, 1)
        .padTo(32)
        .f32(part)
        .write(part(part));
  }

  private Path part(int number) {
    return folder.resolve("m-0000%d-of-00003.gguf".formatted(number));
  }

  private static void assertRefused(Path path, String message) {
    assertThatThrownBy(() -> GgufFile.open(path).close())
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(message);
  }
}
