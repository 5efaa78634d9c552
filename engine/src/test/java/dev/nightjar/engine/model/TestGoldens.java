package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Readers and forward pass against golden outputs of an independent float64 implementation ({@code
 * scripts/train/reference}), for tiny models that cover every switch of the architecture.
 */
class TestGoldens {
  private static final String ROOT = "/goldens";

  @Test
  void coverEverySwitch() throws IOException {
    assertThat(names()).hasSizeGreaterThanOrEqualTo(19);
    assertThat(gated()).hasSizeGreaterThanOrEqualTo(2);
    assertThat(exiting()).hasSizeGreaterThanOrEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("names")
  void denseLogitsAgree(String name) throws IOException {
    JsonNode golden = GoldenModel.read(ROOT, name);
    try (GoldenModel runner = GoldenModel.open(ROOT, name, "full")) {
      runner.compareLogits(golden);
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void denseGreedyTokensAreEqual(String name) throws IOException {
    JsonNode golden = GoldenModel.read(ROOT, name);
    try (GoldenModel runner = GoldenModel.open(ROOT, name, "full")) {
      for (JsonNode prompt : golden.path("prompts")) {
        GoldenModel.Run run =
            runner.greedy(GoldenModel.ints(prompt.path("ids")), prompt.path("greedy").size());
        assertThat(run.tokens()).as(name).isEqualTo(GoldenModel.list(prompt.path("greedy")));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("gated")
  void gatedLogitsAgree(String name) throws IOException {
    JsonNode golden = GoldenModel.read(ROOT, name);
    try (GoldenModel runner = GoldenModel.open(ROOT, name, "dllm")) {
      runner.compareLogits(golden.path("dllm"));
    }
  }

  @ParameterizedTest
  @MethodSource("gated")
  void gatedTokensAndMasksAreEqual(String name) throws IOException {
    JsonNode golden = GoldenModel.read(ROOT, name);
    try (GoldenModel runner = GoldenModel.open(ROOT, name, "dllm")) {
      for (JsonNode prompt : golden.path("dllm").path("prompts")) {
        GoldenModel.Run run =
            runner.greedy(GoldenModel.ints(prompt.path("ids")), prompt.path("greedy").size());
        assertThat(run.masks(runner.layers()))
            .as(name)
            .isEqualTo(GoldenModel.texts(prompt.path("executed")));
        assertThat(run.tokens()).as(name).isEqualTo(GoldenModel.list(prompt.path("greedy")));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("exiting")
  void exitingTokensAndExitLayersAreEqual(String name) throws IOException {
    JsonNode golden = GoldenModel.read(ROOT, name);
    JsonNode exit = golden.path("exit");
    String layers =
        String.join(
            "+",
            GoldenModel.list(exit.path("after_layers")).stream().map(String::valueOf).toList());
    String spec =
        "exit:confidence=top1,threshold=" + exit.path("threshold").asText() + ",layers=" + layers;
    try (GoldenModel runner = GoldenModel.open(ROOT, name, spec)) {
      for (JsonNode prompt : exit.path("prompts")) {
        int[] ids = GoldenModel.ints(prompt.path("ids"));
        GoldenModel.Run run = runner.greedy(ids, prompt.path("greedy").size());
        assertThat(run.tokens()).as(name).isEqualTo(GoldenModel.list(prompt.path("greedy")));
        assertThat(run.depths(ids.length - 1))
            .as(name)
            .isEqualTo(GoldenModel.list(prompt.path("exit_layers")));
      }
    }
  }

  static List<String> names() throws IOException {
    return GoldenModel.names(ROOT);
  }

  static List<String> gated() throws IOException {
    return having("dllm");
  }

  static List<String> exiting() throws IOException {
    return having("exit");
  }

  private static List<String> having(String part) throws IOException {
    List<String> out = new ArrayList<>();
    for (String name : names()) {
      if (GoldenModel.read(ROOT, name).has(part)) {
        out.add(name);
      }
    }
    return out;
  }
}
