package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Artefacts of routers, gates, paths and masks: what is read, and how mistakes are named. */
class TestRouterArtefacts {
  private static final ModelConfig CONFIG = TinyModels.config(64);

  @TempDir private Path folder;

  private ArtefactFolder artefact(String policy) {
    return switch (policy) {
      case "skipgpt" -> TinyRouters.skipGpt(folder, CONFIG, 12);
      case "gates" -> TinyRouters.gates(folder, CONFIG, "project");
      case "drllm" -> TinyRouters.drLlm(folder, CONFIG);
      default -> TinyRouters.rowMask(folder, CONFIG);
    };
  }

  private static DepthPolicy load(String spec) {
    return ArtefactFolder.load(spec, CONFIG, Kernels.best());
  }

  private static void assertRefused(String spec, String... expected) {
    assertThatThrownBy(() -> load(spec))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEPTH);
              assertThat(e).hasMessageContainingAll(expected);
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"skipgpt", "gates", "drllm", "rowmask"})
  void specificationIsKeptWithThePolicy(String policy) {
    String spec = artefact(policy).write();
    assertThat(load(spec).spec()).isEqualTo(spec);
    assertRefused(policy, "depth.json");
    assertRefused(spec + ",keep=1", "keep", "artefact");
  }

  @ParameterizedTest
  @CsvSource({
    "skipgpt, layers.3.attention_router.0.weight",
    "skipgpt, layers.1.attention_router.0.bias",
    "skipgpt, layers.5.feed_forward_router.1.weight",
    "skipgpt, layers.5.feed_forward_router.1.bias",
    "gates, layers.2.gate.weight",
    "gates, layers.5.gate.bias",
    "drllm, layers.4.router.0.bias",
    "drllm, layers.4.router.1.weight",
    "drllm, layers.4.router.1.bias",
    "rowmask, probe.weight",
    "rowmask, probe.bias"
  })
  void missingMisshapenAndNonFiniteTensorsAreNamed(String policy, String tensor) {
    assertRefused(artefact(policy).without(tensor).write(), tensor, "missing");
    assertRefused(
        artefact(policy).tensor(tensor, new float[35], 5, 7).write(), tensor, "[5, 7]", "expected");
    ArtefactFolder infinite = artefact(policy);
    float[] values = new float[48 * 12];
    values[0] = Float.NaN;
    long[] shape = shapeOf(policy, tensor);
    int count = 1;
    for (long size : shape) {
      count *= (int) size;
    }
    infinite.tensor(tensor, java.util.Arrays.copyOf(values, count), shape);
    assertRefused(infinite.write(), tensor, "NaN", "finite");
  }

  private static long[] shapeOf(String policy, String tensor) {
    int classes = policy.equals("skipgpt") ? 2 : 3;
    boolean first = tensor.contains("r.0.");
    return switch (policy) {
      case "gates" -> tensor.endsWith("bias") ? new long[] {1} : new long[] {1, 48};
      case "rowmask" -> tensor.endsWith("bias") ? new long[] {3} : new long[] {3, 48};
      default -> {
        if (tensor.endsWith("bias")) {
          yield new long[] {first ? 12 : classes};
        }
        yield first ? new long[] {12, 48} : new long[] {classes, 12};
      }
    };
  }

  @ParameterizedTest
  @CsvSource({
    "skipgpt, router_hidden_size, -1, '[0, 65536]'",
    "skipgpt, first_gated_layer, 7, '[0, 6]'",
    "skipgpt, reserved_positions, -1, '[0, 1024]'",
    "skipgpt, num_layers, 7, num_layers",
    "gates, first_gated_layer, -1, '[0, 6]'",
    "gates, kv, 3, 'project or absent'",
    "drllm, router_hidden_size, 0, '[1, 65536]'",
    "drllm, policy, 5, policy",
    "rowmask, probe_layer, 6, '[0, 5]'",
    "rowmask, margin, 2000000, '1000000'",
    "rowmask, masks, 4, '1 to 16 arrays'"
  })
  void badKeysAreNamed(String policy, String key, int value, String expected) {
    String spec = policy + ":artefact=" + folder;
    artefact(policy).with(key, value).write();
    assertRefused(spec, key, expected);
  }

  @ParameterizedTest
  @CsvSource({
    "skipgpt, 'budget=0.5', '0.80'",
    "skipgpt, 'threshold=x', number",
    "gates, 'budget=0.5', '0.80'",
    "gates, 'threshold=1e9', number",
    "drllm, 'bias=1.5', '[-1.0, 1.0]'",
    "drllm, 'repeat=maybe', 'true or false'",
    "rowmask, 'margin=NaN', '1000000'"
  })
  void badOptionsAreNamed(String policy, String option, String expected) {
    String spec = artefact(policy).write();
    assertRefused(spec + "," + option, option.substring(0, option.indexOf('=')), expected);
  }

  @Test
  void absentKeysAndValuesNeedAReservedPosition() {
    String spec = TinyRouters.gates(folder, CONFIG, "absent").with("reserved_positions", 0).write();
    assertRefused(spec, "reserved_positions", "[1, 1024]");
    TinyRouters.gates(folder, CONFIG, "project").with("reserved_positions", 0).write();
    assertThat(load(spec).projects()).isTrue();
  }

  @Test
  void masksMustBeNestedWithinTheModelAndEndWithAllLayers() {
    int[][][] bad = {
      {{0, 1, 5}, {0, 1, 2, 3}, {0, 1, 2, 3, 4, 5}},
      {{0, 2, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}},
      {{0, 1, 5}, {0, 1, 3, 5}, {0, 1, 2, 3, 5}},
      {{0, 1, 6}, {0, 1, 3, 5}, {0, 1, 2, 3, 4, 5}},
      {{0, 1, -1}, {0, 1, 3, 5}, {0, 1, 2, 3, 4, 5}},
      {}
    };
    String[] expected = {"masks[1]", "masks[0]", "masks[2]", "masks[0]", "masks[0]", "1 to 16"};
    for (int i = 0; i < bad.length; i++) {
      assertRefused(artefact("rowmask").with("masks", bad[i]).write(), expected[i]);
    }
  }

  @Test
  void pathsNeedAtLeastOneRouterAndLayersWithoutOneAlwaysRun() {
    ArtefactFolder some = artefact("drllm");
    for (int layer = 1; layer < 4; layer++) {
      some.without("layers." + layer + ".router.0.weight");
    }
    RowPlanner planner = load(some.write()).planner();
    for (int layer = 0; layer < 6; layer++) {
      assertThat(planner.plans(layer)).isEqualTo(layer >= 4);
    }
    some.without("layers.4.router.0.weight").without("layers.5.router.0.weight");
    assertRefused(some.write(), "no routers", "layers.<layer>.router.0.weight");
  }

  @Test
  void lowRankUpdatesTrainedWithSkipGptAreRead() {
    String spec =
        artefact("skipgpt")
            .with("lora", Map.of("rank", 2))
            .random(new java.util.Random(1), 1, "layers.3.q_proj.lora_a", 2, 48)
            .write();
    assertRefused(spec, "layers.3.q_proj.lora_b", "missing");
  }
}
