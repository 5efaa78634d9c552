package dev.nightjar.job.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.Score;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TestSyntheticModel {
  static final ModelShape TINY =
      new ModelShape("tiny", 320, 64, 6, 4, 2, 16, 96, 10_000, true, 256);

  /** The same with rows of 256 columns, which some types need. */
  private static final ModelShape WIDE =
      new ModelShape("wide", 320, 256, 2, 4, 2, 64, 256, 10_000, true, 256);

  @TempDir private Path cache;

  @ParameterizedTest
  @EnumSource(DType.class)
  void loadsWithAllItsParametersAndStaysSane(DType dtype) throws IOException {
    ModelShape shape = dtype.blockElements() <= TINY.hiddenSize() ? TINY : WIDE;
    Path file = new SyntheticModel(shape, dtype).file(cache);
    try (LlmEngine engine = LlmEngine.load(file, EngineConfig.DEFAULT)) {
      assertThat(engine.tensors().stream().mapToLong(Tensor::elements).sum())
          .isEqualTo(shape.parameters());
      assertThat(engine.modelConfig().qkvBias()).isTrue();
      assertThat(engine.modelConfig().eosTokenIds()).isEmpty();
      assertThat(engine.encoder().tokenizer().encode("Ab c")).hasSize(4);
      Score score = engine.score(new int[] {5, 17, 300, 9, 128});
      assertThat(score.logprobs()).allMatch(p -> p < 0 && p > -30);
    }
  }

  @Test
  void fileIsTheSameEachTimeAndWrittenOnce() throws IOException {
    SyntheticModel model = new SyntheticModel(TINY, DType.Q4_0);
    Path file = model.file(cache);
    Path other = model.file(cache.resolve("other"));
    assertThat(file).hasSameBinaryContentAs(other);
    Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    assertThat(Files.getLastModifiedTime(model.file(cache)).toMillis()).isZero();
    try (Stream<Path> files = Files.list(cache.resolve("other"))) {
      assertThat(files.map(path -> path.getFileName().toString()))
          .isEqualTo(List.of(file.getFileName().toString()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "smollm2-135m, 134515008",
    "llama-3.2-1b, 1235814400",
    "qwen2.5-0.5b, 494032768",
  })
  void shapesHaveTheParametersOfTheirModels(String name, long parameters) {
    assertThat(ModelShape.find(name).orElseThrow().parameters()).isEqualTo(parameters);
  }
}
