package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.depth.ArtefactFolder;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.KvPages;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows that leave early in company of others. */
class TestExitBatches {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final int LAYERS = CONFIG.numLayers();
  private static final int D = CONFIG.hiddenSize();

  @TempDir private Path folder;

  /** Every third row generates one token. */
  private static List<GenerationRequest> requests(int count) {
    Random random = new Random(23);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      int length = i < 6 ? 1 + i : 1 + random.nextInt(60);
      for (int j = 0; j < length; j++) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      int tokens = i % 3 == 0 ? 1 : 2 + random.nextInt(16);
      SamplingParams sampling =
          new SamplingParams(
              tokens, i % 2, 0, 0.95f, 0f, 1.1f, 42L, List.of(), i % 4 == 0 ? 2 : -1);
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(text.toString()), sampling));
    }
    return out;
  }

  private static Map<String, GenerationResult> run(
      DepthPolicy policy, int batch, int chunk, List<GenerationRequest> requests) {
    EngineConfig options = EngineConfig.DEFAULT.withMaxBatch(batch).withPromptChunk(chunk);
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    Map<String, GenerationResult> out = new HashMap<>();
    new BatchDecoder(model, ENCODER, KERNELS, options, requests.iterator(), false)
        .forEachRemaining(result -> out.put(result.key(), result));
    return out;
  }

  /** Everything of a result but its times. */
  private static List<Object> content(GenerationResult r) {
    return List.of(
        r.tokenIds(),
        String.valueOf(r.finishReason()),
        r.cumulativeLogprob(),
        r.logprobs(),
        String.valueOf(r.compute()));
  }

  private DepthPolicy policy(String spec) {
    Random random = new Random(4);
    switch (spec.split("[:,+]")[0]) {
      case "classifier" ->
          spec =
              new ArtefactFolder(folder, "exit", CONFIG)
                  .with("measure", "classifier")
                  .with(
                      "exits",
                      List.of(
                          Map.of("layer", 2, "threshold", 0.7),
                          Map.of("layer", 4, "threshold", 0.4)))
                  .with("lens", true)
                  .random(random, 0.3, "classifier.weight", 2, D)
                  .random(random, 0.3, "classifier.bias", 2)
                  .random(random, 0.2, "exits.2.lens.weight", D, D)
                  .random(random, 0.2, "exits.2.lens.bias", D)
                  .random(random, 0.2, "exits.4.lens.weight", D, D)
                  .random(random, 0.2, "exits.4.lens.bias", D)
                  .write();
      case "sec" -> spec = controller(0.3, 0.02).write() + spec.substring(3);
      case "adainfer" -> spec = adaInfer(-3, 4, 4).write() + spec.substring(8);
      default -> {}
    }
    return load(spec);
  }

  private static DepthPolicy load(String spec) {
    return ArtefactFolder.load(spec, CONFIG, KERNELS);
  }

  private ArtefactFolder controller(double scale, double stopThreshold) {
    return new ArtefactFolder(folder, "sec", CONFIG)
        .with("stop_threshold", stopThreshold)
        .with("exit_threshold", 0.3)
        .with("layers", List.of(2, 3, 4))
        .random(new Random(9), scale, "controller.weight", 3, D);
  }

  private ArtefactFolder adaInfer(double bias, double top1, double gap) {
    return new ArtefactFolder(folder, "adainfer", CONFIG)
        .with("coefficients", List.of(bias, top1, gap))
        .with("layers", List.of(2, 4));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exit:threshold=0.4,layers=2+4",
        "exit:confidence=margin,threshold=0.3,layers=1+3+5,kv=defer,defer-limit=2",
        "exit:confidence=entropy,threshold=2,layers=2+4,vocabulary=20",
        "exit:threshold=0.6,layers=1+2+3+4+5,vocabulary=33,kv=defer,defer-limit=4",
        "exit:confidence=state,threshold=0.7,layers=1+2+3+4+5,tau=4",
        "random:keep=0.6,seed=5+exit:threshold=0.8,layers=2+4,kv=defer",
        "random:keep=0.6,seed=5+exit:threshold=0.8,layers=2+4",
        "classifier",
        "sec",
        "sec,kv=defer",
        "adainfer",
        "unified:keep=0.7+adainfer:artefact=FOLDER"
      })
  void batchPromptChunkAndOrderDoNotChangeAnything(String spec) {
    adaInfer(-3, 4, 4).write();
    DepthPolicy policy = policy(spec.replace("FOLDER", folder.toString()));
    List<GenerationRequest> requests = requests(30);
    Map<String, List<Object>> alone = new HashMap<>();
    int early = 0;
    int through = 0;
    for (GenerationResult result : run(policy, 1, 0, requests).values()) {
      assertThat(result.error()).isNull();
      alone.put(result.key(), content(result));
      early += result.compute().earlyExitTokens();
      through += result.compute().exitLayerHistogram().get(LAYERS);
    }
    assertThat(early).isPositive();
    assertThat(through).isPositive();
    for (int[] setting : new int[][] {{4, 0}, {7, 1}, {32, 16}}) {
      List<GenerationRequest> shuffled = new ArrayList<>(requests);
      Collections.shuffle(shuffled, new Random(setting[0]));
      run(policy, setting[0], setting[1], shuffled)
          .forEach((key, result) -> assertThat(content(result)).isEqualTo(alone.get(key)));
    }
  }

  @Test
  void promptsOfOneTokenRowsLeaveAndOtherRowsRunEveryLayer() {
    List<GenerationRequest> requests = requests(24);
    DepthPolicy always = load(adaInfer(100, 0, 0).write());
    DepthPolicy never = load(adaInfer(-100, 0, 0).write());
    Map<String, GenerationResult> full = run(DepthPolicy.full(), 8, 0, requests);
    Map<String, GenerationResult> left = run(always, 8, 0, requests);
    Map<String, GenerationResult> stayed = run(never, 8, 0, requests);
    for (GenerationRequest request : requests) {
      GenerationResult dense = full.get(request.key());
      ComputeStats stats = left.get(request.key()).compute();
      assertThat(stayed.get(request.key()).tokenIds()).isEqualTo(dense.tokenIds());
      int prompt = dense.usage().promptTokens();
      if (((Task.Generate) request.task()).sampling().maxTokens() > 1) {
        assertThat(left.get(request.key()).tokenIds()).isEqualTo(dense.tokenIds());
        assertThat(stats.flops()).isEqualTo(stats.flopsFull());
        continue;
      }
      assertThat(stats.exitLayerHistogram().get(2)).isEqualTo(1);
      assertThat(stats.layersExecutedPrefill()).isEqualTo(2L * (prompt - 1));
      assertThat(stats.layersExited()).isEqualTo(LAYERS - 2);
      assertThat(stats.kvBytes()).isEqualTo(2L * prompt * 8 * CONFIG.kvDim());
      long attention = (long) prompt * (prompt + 1) * CONFIG.queryDim();
      double macs = 2 * (prompt * CONFIG.layerMacs() + attention) + CONFIG.headMacs() + 2;
      assertThat(stats.flops()).isEqualTo(2 * macs);
    }
  }

  @Test
  void promptsThatAreScoredDoNotLeave() {
    DepthPolicy always = load(adaInfer(100, 0, 0).write());
    int[] tokens = new Random(2).ints(30, 0, 256).toArray();
    float[][] scored = new float[2][30 * CONFIG.vocabSize()];
    int index = 0;
    for (DepthPolicy policy : List.of(always, DepthPolicy.full())) {
      float[] out = scored[index++];
      int v = CONFIG.vocabSize();
      Scorer.score(
          TinyModels.model(CONFIG, KERNELS, policy),
          KERNELS,
          new KvPages(CONFIG).pool(),
          tokens,
          (position, logits, offset) -> System.arraycopy(logits, offset, out, position * v, v));
    }
    assertThat(scored[0]).isEqualTo(scored[1]);
  }

  /** With zero weights every class has a third, and the first one, stop, is obeyed below that. */
  @ParameterizedTest
  @ValueSource(strings = {"project", "defer"})
  void controllerEndsARowFromItsSecondTokenOn(String keysValues) {
    String spec = controller(0, 0.3).write() + ",kv=" + keysValues;
    for (GenerationResult result : run(load(spec), 8, 0, requests(20)).values()) {
      ComputeStats stats = result.compute();
      assertThat(result.tokenIds()).hasSize(1);
      int prompt = result.usage().promptTokens();
      if (result.finishReason() != FinishReason.ABORT) {
        assertThat(stats.layersExecuted()).isEqualTo(LAYERS);
        continue;
      }
      assertThat(stats.exitLayerHistogram().get(LAYERS)).isEqualTo(1);
      assertThat(stats.earlyExitTokens()).isZero();
      assertThat(stats.layersExecuted()).isEqualTo(LAYERS + 2);
      assertThat(stats.layersExited()).isEqualTo(LAYERS - 2);
      assertThat(stats.kvBytes()).isEqualTo((LAYERS * prompt + 2L) * 8 * CONFIG.kvDim());
      long attention = (long) LAYERS * prompt * (prompt + 1) + 4L * (prompt + 1);
      long macs = (LAYERS * prompt + 2) * CONFIG.layerMacs() + CONFIG.headMacs() + 3L * D;
      assertThat(stats.flops()).isEqualTo(2.0 * (macs + attention * CONFIG.queryDim()));
    }
    String never = controller(0, 0.4).write();
    run(load(never), 8, 0, requests(20))
        .forEach((key, result) ->
            assertThat(result.compute().exitLayerHistogram().get(LAYERS))
                .isEqualTo(result.tokenIds().size()));
  }
}
