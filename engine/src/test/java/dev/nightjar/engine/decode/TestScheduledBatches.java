package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.TinyArtefacts;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows under policies by position, sublayer and path do not depend on their companions. */
class TestScheduledBatches {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());

  @TempDir static Path folder;
  private static TinyArtefacts artefacts;

  @BeforeAll
  static void writeArtefacts() throws IOException {
    artefacts = new TinyArtefacts(folder, CONFIG).writeAll();
  }

  private static List<GenerationRequest> requests() {
    Random random = new Random(23);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < 14; i++) {
      StringBuilder text = new StringBuilder();
      int length = i < 3 ? 1 + i : 1 + random.nextInt(60);
      for (int j = 0; j < length; j++) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      SamplingParams sampling =
          new SamplingParams(1 + random.nextInt(45), 0.9f, 0, 0.95f, 0.01f, 1f, 42L, List.of(), -1);
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(text.toString()), sampling));
    }
    return out;
  }

  /** By row: tokens, their log-probability and all counters. */
  private static Map<String, List<Object>> run(
      DepthPolicy policy, int batch, int chunk, List<GenerationRequest> requests) {
    EngineConfig options = EngineConfig.DEFAULT.withMaxBatch(batch).withPromptChunk(chunk);
    Map<String, List<Object>> out = new HashMap<>();
    BatchDecoder decoder =
        new BatchDecoder(
            TinyModels.model(CONFIG, KERNELS, policy),
            ENCODER,
            KERNELS,
            options,
            requests.iterator(),
            false);
    while (decoder.hasNext()) {
      GenerationResult result = decoder.next();
      out.put(
          result.key(), List.of(result.tokenIds(), result.cumulativeLogprob(), result.compute()));
    }
    return out;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "skipdecode",
        "skipdecode:length=12,prompt=max",
        "d3:alpha=0.8,start=0.25,core=2",
        "adaskip:skip=4",
        "ffnskip",
        "ffnskip:threshold=0.7,first=0,last=5,warm-up=3,prompt=true",
        "drop",
        "path:layers=0+1+2+2+5"
      })
  void batchOrderAndPromptChunkDoNotChangeAnything(String spec) {
    DepthPolicy policy = artefacts.policy(spec);
    List<GenerationRequest> requests = requests();
    Map<String, List<Object>> alone = run(policy, 1, 0, requests);
    assertThat(alone).hasSize(requests.size());
    List<GenerationRequest> shuffled = new ArrayList<>(requests);
    for (int batch : new int[] {5, 14}) {
      for (int chunk : new int[] {1, 16}) {
        Collections.shuffle(shuffled, new Random(batch + chunk));
        assertThat(run(policy, batch, chunk, shuffled)).isEqualTo(alone);
      }
    }
  }
}
