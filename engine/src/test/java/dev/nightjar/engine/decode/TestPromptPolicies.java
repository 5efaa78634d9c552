package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowTrace;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.Depth;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Policies that drop prompt tokens, under continuous batching. */
class TestPromptPolicies {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final int LAYERS = CONFIG.numLayers();
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final EngineConfig OPTIONS = EngineConfig.DEFAULT;

  private static DepthPolicy policy(String spec) {
    Depth.ModelFacts facts =
        new Depth.ModelFacts(
            LAYERS,
            CONFIG.hiddenSize(),
            new int[] {CONFIG.queryDim(), CONFIG.kvDim()},
            Path.of("none"),
            () -> "00");
    return Depth.of(DepthSpec.parse(spec), facts, KERNELS, Arena.ofAuto()).policy();
  }

  private static List<GenerationRequest> requests(int count) {
    Random random = new Random(23);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Integer> ids = random.ints(1 + i * 7 % 83, 0, 256).boxed().toList();
      SamplingParams sampling =
          i % 2 == 0
              ? SamplingParams.greedy(1 + i % 12)
              : new SamplingParams(9, 0.9f, 0, 0.95f, 0f, 1.2f, 42L, List.of(), 2);
      out.add(new GenerationRequest("row-" + i, new Prompt.TokenIds(ids), sampling));
    }
    return out;
  }

  private static List<GenerationResult> run(
      String spec, EngineConfig options, List<GenerationRequest> requests) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy(spec));
    List<GenerationResult> out = new ArrayList<>();
    new BatchDecoder(model, ENCODER, KERNELS, options, requests.iterator(), false)
        .forEachRemaining(out::add);
    return out;
  }

  private static List<Object> content(List<GenerationResult> results) {
    List<Object> out = new ArrayList<>();
    for (GenerationResult r : results) {
      assertThat(r.error()).isNull();
      out.add(
          List.of(
              r.key(),
              r.tokenIds(),
              r.finishReason(),
              r.usage(),
              r.cumulativeLogprob(),
              r.logprobs(),
              r.compute()));
    }
    return out;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pyramid:keep=0.3,min-length=4",
        "pyramid:decay=0.5,min-length=8,every=2",
        "slim:layers=1+3,keep=0.5,block=4",
        "gemfilter:layer=2,keep=12",
        "gemfilter:layer=0,keep=0.4",
        "slim:layers=2,keep=0.5,block=4+random:keep=0.6",
        "slim:layers=2,keep=0.5,block=4+static:keep=0+1+3+4+5",
        "gemfilter:layer=3,keep=0.5+random:keep=0.6",
        "gemfilter:layer=3,keep=0.5+exit:layers=4,threshold=0.3"
      })
  void batchSizePromptChunkAndOrderDoNotChangeAnything(String spec) {
    List<GenerationRequest> requests = requests(30);
    List<Object> expected = content(run(spec, OPTIONS, requests));
    for (int batch : new int[] {1, 7}) {
      for (int chunk : new int[] {0, 1, 16}) {
        EngineConfig options = OPTIONS.withMaxBatch(batch).withPromptChunk(chunk);
        assertThat(content(run(spec, options, requests))).isEqualTo(expected);
      }
    }
    List<GenerationRequest> shuffled = new ArrayList<>(requests);
    Collections.shuffle(shuffled, new Random(5));
    for (GenerationResult result : run(spec, OPTIONS.withMaxBatch(5), shuffled)) {
      int index = Integer.parseInt(result.key().substring(4));
      assertThat(content(List.of(result)).getFirst()).isEqualTo(expected.get(index));
    }
  }

  @Test
  void filteredPromptReadsLikeThePromptOfItsChosenTokens() {
    int layer = 2;
    List<Integer> ids = new Random(8).ints(60, 0, 256).boxed().toList();
    GenerationRequest request =
        new GenerationRequest("k", new Prompt.TokenIds(ids), SamplingParams.greedy(12));
    LlamaModel model =
        TinyModels.model(CONFIG, KERNELS, policy("gemfilter:layer=" + layer + ",keep=20"));
    BatchDecoder decoder =
        new BatchDecoder(model, ENCODER, KERNELS, OPTIONS, List.of(request).iterator(), true);
    GenerationResult filtered = decoder.next();
    RowTrace trace = decoder.lastTrace();
    List<Integer> chosen = new ArrayList<>();
    for (int p = 0; p < ids.size(); p++) {
      if (trace.layers(p).cardinality() == LAYERS) {
        chosen.add(ids.get(p));
      } else {
        assertThat(trace.layers(p)).hasToString("{0, 1}");
      }
    }
    assertThat(chosen).hasSize(20).startsWith(ids.getFirst()).endsWith(ids.getLast());
    assertThat(trace.slots()).isEqualTo(60 + filtered.tokenIds().size() - 1);
    GenerationRequest shortened =
        new GenerationRequest("k", new Prompt.TokenIds(chosen), SamplingParams.greedy(12));
    GenerationResult dense = run("full", OPTIONS, List.of(shortened)).getFirst();
    assertThat(filtered.tokenIds()).isEqualTo(dense.tokenIds());
    assertThat(filtered.cumulativeLogprob()).isEqualTo(dense.cumulativeLogprob());
    assertThat(filtered.usage().promptTokens()).isEqualTo(60);

    ComputeStats stats = filtered.compute();
    GenerationRequest whole =
        new GenerationRequest("k", new Prompt.TokenIds(ids), greedy(filtered));
    ComputeStats full = run("full", OPTIONS, List.of(whole)).getFirst().compute();
    long firstPass = 0;
    for (int p = 0; p < 60; p++) {
      firstPass += layer * (CONFIG.layerMacs() + 2L * (p + 1) * CONFIG.queryDim());
    }
    firstPass += 60L * CONFIG.kvDim() * (CONFIG.hiddenSize() + 1);
    firstPass += (long) CONFIG.hiddenSize() * CONFIG.queryDim();
    assertThat(stats.flops()).isEqualTo(dense.compute().flops() + 2.0 * firstPass);
    assertThat(stats.flopsFull()).isEqualTo(full.flopsFull());
    assertThat(stats.kvBytes()).isEqualTo(dense.compute().kvBytes());
    assertThat(stats.kvBytesFull()).isEqualTo(full.kvBytesFull());
    assertThat(stats.layersExecuted()).isEqualTo(dense.compute().layersExecuted());
    assertThat(stats.layersSkippedPrefill()).isEqualTo((LAYERS - layer) * 40L);
    assertThat(stats.layersExecutedPrefill()).isEqualTo(layer * 40L + LAYERS * 19L);
    assertThat(stats.layerExecutions().stream().mapToLong(i -> i).sum())
        .isEqualTo(stats.layersExecuted() + stats.layersExecutedPrefill() + layer * 20L);
  }

  private static SamplingParams greedy(GenerationResult like) {
    return SamplingParams.greedy(like.tokenIds().size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemfilter:keep=1", "gemfilter:keep=100", "pyramid", "slim:keep=1"})
  void promptsThatStayWholeAreThoseOfTheDenseModel(String spec) {
    List<GenerationRequest> requests = requests(13);
    List<GenerationResult> dense = run("full", OPTIONS, requests);
    List<GenerationResult> results = run(spec, OPTIONS, requests);
    for (int i = 0; i < results.size(); i++) {
      boolean whole =
          !spec.equals("pyramid") || ((Prompt.TokenIds) requests.get(i).prompt()).ids().size() < 60;
      if (whole) {
        assertThat(results.get(i).tokenIds()).isEqualTo(dense.get(i).tokenIds());
        assertThat(results.get(i).logprobs()).isEqualTo(dense.get(i).logprobs());
        assertThat(results.get(i).compute().kvBytes()).isEqualTo(dense.get(i).compute().kvBytes());
      }
    }
  }
}
