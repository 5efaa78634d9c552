package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.ArtefactFolder;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.TinyRouters;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows under routers, gates, paths and masks do not depend on their companions. */
class TestRouterBatches {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());

  @TempDir private Path folder;

  private DepthPolicy policy(String name) {
    ArtefactFolder artefact =
        switch (name) {
          case "skipgpt" -> TinyRouters.skipGpt(folder, CONFIG, 0);
          case "skipgpt-hidden" -> TinyRouters.skipGpt(folder, CONFIG, 12);
          case "gates-project" -> TinyRouters.gates(folder, CONFIG, "project");
          case "gates-absent" -> TinyRouters.gates(folder, CONFIG, "absent");
          case "drllm" -> TinyRouters.drLlm(folder, CONFIG);
          default -> TinyRouters.rowMask(folder, CONFIG);
        };
    return ArtefactFolder.load(artefact.write(), CONFIG, KERNELS);
  }

  /** Prompts of one token up to 60: shorter than the windows of a path router, too. */
  private static List<GenerationRequest> requests() {
    Random random = new Random(17);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      int length = i < 10 ? 1 + i : 1 + random.nextInt(60);
      StringBuilder text = new StringBuilder();
      for (int j = 0; j < length; j++) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      SamplingParams sampling =
          new SamplingParams(
              1 + random.nextInt(12), i % 2, 0, 0.95f, 0f, 1f, 42L, List.of(), i % 3 == 0 ? 1 : -1);
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(text.toString()), sampling));
    }
    return out;
  }

  /** By key, everything of the results but their times. */
  private static Map<String, List<Object>> run(
      DepthPolicy policy, int batch, int chunk, List<GenerationRequest> requests) {
    EngineConfig options = EngineConfig.DEFAULT.withMaxBatch(batch).withPromptChunk(chunk);
    Map<String, List<Object>> out = new TreeMap<>();
    BatchDecoder decoder =
        new BatchDecoder(
            TinyModels.model(CONFIG, KERNELS, policy),
            ENCODER,
            KERNELS,
            options,
            requests.iterator(),
            false);
    while (decoder.hasNext()) {
      GenerationResult r = decoder.next();
      assertThat(r.error()).isNull();
      out.put(
          r.key(),
          List.of(
              r.tokenIds(),
              r.cumulativeLogprob(),
              r.logprobs(),
              String.valueOf(r.compute()),
              (double) r.compute().kvBytes() / r.compute().kvBytesFull()));
    }
    return out;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"skipgpt", "skipgpt-hidden", "gates-project", "gates-absent", "drllm", "rowmask"})
  void batchPromptChunkAndOrderDoNotChangeAnything(String name) {
    DepthPolicy policy = policy(name);
    List<GenerationRequest> requests = requests();
    Map<String, List<Object>> alone = run(policy, 1, 0, requests);
    assertThat(alone).hasSize(requests.size());
    if (!policy.projects()) {
      assertThat(alone.values().stream().map(List::getLast).distinct().count())
          .as("different shares of keys and values held")
          .isGreaterThan(2);
    }
    int[][] settings = {{4, 0}, {7, 1}, {32, 16}};
    for (int[] setting : settings) {
      List<GenerationRequest> shuffled = new ArrayList<>(requests);
      Collections.shuffle(shuffled, new Random(setting[0]));
      assertThat(run(policy, setting[0], setting[1], shuffled)).isEqualTo(alone);
    }
  }
}
