package dev.nightjar.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Memory as worked out beforehand, against the embedded model. */
class TestMemoryPlan {
  private static final Path MODEL = EmbeddedModel.extract();

  private static EngineConfig host(String packedCache) {
    return EngineConfig.DEFAULT.withHost(new EngineConfig.Host(1, packedCache));
  }

  @Test
  void planOfAFileIsThatOfTheLoadedEngine() {
    MemoryPlan plan = MemoryPlan.of(MODEL, EngineConfig.DEFAULT, 300);
    try (LlmEngine engine = LlmEngine.load(MODEL, EngineConfig.DEFAULT)) {
      assertThat(plan).isEqualTo(engine.memoryPlan(300));
      assertThat(plan.mappedWeightBytes()).isEqualTo(engine.info().weightBytes());
    }
  }

  @Test
  void positionsAreCutToTheContext() {
    MemoryPlan whole = MemoryPlan.of(MODEL, EngineConfig.DEFAULT, 0);
    assertThat(MemoryPlan.of(MODEL, EngineConfig.DEFAULT, Integer.MAX_VALUE)).isEqualTo(whole);
    assertThat(MemoryPlan.of(MODEL, EngineConfig.DEFAULT, 16).kvBytesPerRow())
        .isLessThan(whole.kvBytesPerRow());
  }

  @Test
  void weightsAreSharedOrEachJvmsOwn() {
    MemoryPlan shared = MemoryPlan.of(MODEL, host("auto"), 100);
    MemoryPlan own = MemoryPlan.of(MODEL, host("off"), 100);
    assertThat(own.ownWeightBytes()).isEqualTo(shared.mappedWeightBytes()).isPositive();
    assertThat(own.mappedWeightBytes()).isZero();
    assertThat(shared.ownWeightBytes()).isZero();
    assertThat(own.residentBytes(2)).isEqualTo(shared.residentBytes(2));
    assertThat(own.offHeapBytes(2)).isGreaterThan(shared.offHeapBytes(2));
  }

  @Test
  void anotherTaskAddsKeysValuesAndActivationsOnly() {
    MemoryPlan plan = MemoryPlan.of(MODEL, EngineConfig.DEFAULT, 200);
    assertThat(plan.totalBytes(3) - plan.totalBytes(2))
        .isEqualTo(plan.kvBytesPerTask() + plan.activationBytesPerTask());
    assertThat(plan.kvBytesPerTask()).isEqualTo(32 * plan.kvBytesPerRow());
  }

  @Test
  void limitOfKeysAndValuesBoundsThePlan() {
    EngineConfig limited =
        new EngineConfig("full", 32, 128, 512, 1 << 20, EngineConfig.Overlong.ERROR);
    assertThat(MemoryPlan.of(MODEL, limited, 0).kvBytesPerTask()).isEqualTo(1 << 20);
  }

  @Test
  void wholePromptsNeedAsMuchAsTheyAreLong() {
    EngineConfig chunked = EngineConfig.DEFAULT;
    EngineConfig whole = EngineConfig.DEFAULT.withPromptChunk(0);
    int context = MemoryPlan.of(MODEL, chunked, 0).positions();
    assertThat(context).isGreaterThan(512);
    assertThat(MemoryPlan.of(MODEL, whole, 0).activationBytesPerTask())
        .isGreaterThan(MemoryPlan.of(MODEL, chunked, 0).activationBytesPerTask());
  }
}
