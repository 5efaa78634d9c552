package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.Depth;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.engine.depth.DraftPlan;
import dev.nightjar.engine.depth.Drafter;
import dev.nightjar.engine.depth.Drafting;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Drafts change nothing of a row but the work spent on it. */
class TestSpeculation {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final EngineConfig OPTIONS = EngineConfig.DEFAULT;

  /** Any part of the model drafts, another one in each round, or none. */
  private record AnyPart(int maxRows, int maxLength, boolean watches) implements Drafting {
    @Override
    public Drafter drafter(RowContext row) {
      Random random = new Random(row.hash());
      return new Drafter() {
        @Override
        public DraftPlan plan() {
          return switch (random.nextInt(8)) {
            case 0 -> null;
            case 1 -> DraftPlan.exit(6, 1 + random.nextInt(6));
            default -> DraftPlan.without(6, bits(), bits());
          };
        }

        private BitSet bits() {
          int half = random.nextInt(64);
          return BitSet.valueOf(new long[] {half & random.nextInt(64)});
        }

        @Override
        public int length() {
          return 1 + random.nextInt(maxLength);
        }

        @Override
        public float confidence() {
          return random.nextBoolean() ? 0 : random.nextFloat();
        }

        @Override
        public boolean goesOn() {
          return random.nextInt(5) > 0;
        }

        @Override
        public int[] watched() {
          return watches ? EXITS : NONE;
        }
      };
    }
  }

  /** The whole model drafts. */
  private record Whole() implements Drafting, Drafter {
    @Override
    public int maxRows() {
      return 64;
    }

    @Override
    public int maxLength() {
      return 5;
    }

    @Override
    public Drafter drafter(RowContext row) {
      return this;
    }

    @Override
    public DraftPlan plan() {
      return DraftPlan.exit(6, 6);
    }

    @Override
    public int length() {
      return 5;
    }

    @Override
    public float confidence() {
      return 0;
    }
  }

  private static final int[] EXITS = {1, 3, 5};

  private static DepthPolicy spec(String text) {
    Depth.ModelFacts facts =
        new Depth.ModelFacts(
            6,
            CONFIG.hiddenSize(),
            new int[] {CONFIG.queryDim(), CONFIG.kvDim()},
            Path.of("none"),
            () -> "00");
    return Depth.of(DepthSpec.parse(text), facts, KERNELS, Arena.ofAuto()).policy();
  }

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.named("any").with(new AnyPart(64, 6, false)),
        DepthPolicy.named("any-watched").with(new AnyPart(64, 9, true)),
        spec("layerskip:exit=5,length=4,confidence=0,max-rows=64"),
        spec("layerskip:exit=1,length=1,confidence=0,max-rows=64"),
        spec("layerskip:exit=4,length=7,confidence=0.4,max-rows=64"),
        spec("swift:length=5,confidence=0,max-rows=64"),
        spec("swift:attention=2+4,feed-forward=3,length=6,confidence=0.3,max-rows=64"),
        spec("del:confidence=0,max-rows=64,every=3,head-cost=0,row-cost=0"),
        spec("eesd:exit=5,confidence=0,max-rows=64"));
  }

  private static List<GenerationRequest> requests(int count) {
    Random random = new Random(29);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      int length = 1 + random.nextInt(60);
      for (int j = 0; j < length; j++) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      SamplingParams sampling =
          new SamplingParams(
              1 + random.nextInt(30),
              i % 5 == 4 ? 0.9f : 0f,
              0,
              1f,
              0f,
              i % 4 == 3 ? 1.2f : 1f,
              42L,
              i % 3 == 0 ? List.of(i % 2 == 0 ? "e" : "\uFFFD", "xy") : List.of(),
              i % 2 == 0 ? 2 : i % 3 - 1);
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(text.toString()), sampling));
    }
    return out;
  }

  private static List<GenerationResult> run(
      ModelConfig config, DepthPolicy policy, EngineConfig options, List<GenerationRequest> rows) {
    LlamaModel model = TinyModels.model(config, KERNELS, policy);
    List<GenerationResult> out = new ArrayList<>();
    new BatchDecoder(model, ENCODER, KERNELS, options, rows.iterator(), false)
        .forEachRemaining(out::add);
    return out;
  }

  private static List<Object> content(GenerationResult r, ComputeStats compute) {
    return List.of(
        r.key(),
        r.text(),
        r.tokenIds(),
        r.finishReason(),
        String.valueOf(r.stopReason()),
        r.usage(),
        Double.doubleToRawLongBits(r.cumulativeLogprob()),
        r.logprobs(),
        compute);
  }

  /** Everything but times. */
  private static List<Object> all(List<GenerationResult> results) {
    List<Object> out = new ArrayList<>();
    for (GenerationResult r : results) {
      out.add(content(r, r.compute()));
    }
    return out;
  }

  /** Everything but times and what drafting may change. */
  private static List<Object> lossless(List<GenerationResult> results) {
    List<Object> out = new ArrayList<>();
    for (GenerationResult r : results) {
      ComputeStats c = r.compute();
      out.add(
          content(
              r,
              new ComputeStats(
                  "",
                  c.numHiddenLayers(),
                  c.layersExecuted(),
                  c.layersSkipped(),
                  c.layersExited(),
                  c.layersExecutedPrefill(),
                  c.layersSkippedPrefill(),
                  c.attnSkipped(),
                  c.mlpSkipped(),
                  c.earlyExitTokens(),
                  c.exitLayerHistogram(),
                  c.layerExecutions(),
                  c.kvBytes(),
                  c.kvBytesFull(),
                  0,
                  c.flopsFull(),
                  0,
                  0)));
    }
    return out;
  }

  private static int drafted(List<GenerationResult> results) {
    return results.stream().mapToInt(r -> r.compute().draftedTokens()).sum();
  }

  private static int accepted(List<GenerationResult> results) {
    return results.stream().mapToInt(r -> r.compute().acceptedTokens()).sum();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void resultsAreBitForBitThoseWithoutDrafts(DepthPolicy policy) {
    List<GenerationRequest> rows = requests(30);
    List<Object> expected = lossless(run(CONFIG, DepthPolicy.full(), OPTIONS, rows));
    List<GenerationResult> results = run(CONFIG, policy, OPTIONS, rows);
    assertThat(lossless(results)).isEqualTo(expected);
    assertThat(drafted(results)).isGreaterThan(accepted(results));
    assertThat(results).allMatch(r -> r.compute().depthPolicy().equals(policy.spec()));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void companionsAndPromptChunksDoNotChangeTheDrafts(DepthPolicy policy) {
    List<GenerationRequest> rows = requests(16);
    List<Object> expected = all(run(CONFIG, policy, OPTIONS, rows));
    for (int batch : new int[] {1, 5}) {
      EngineConfig options = OPTIONS.withMaxBatch(batch).withPromptChunk(batch == 1 ? 0 : 7);
      assertThat(all(run(CONFIG, policy, options, rows))).isEqualTo(expected);
    }
    List<GenerationRequest> reversed = new ArrayList<>(rows);
    Collections.reverse(reversed);
    List<GenerationResult> results = run(CONFIG, policy, OPTIONS, reversed);
    Collections.reverse(results);
    assertThat(all(results)).isEqualTo(expected);
  }

  @Test
  void draftsOfTheWholeModelAreRightUpToTheStopString() {
    DepthPolicy whole = DepthPolicy.named("whole").with(new Whole());
    List<GenerationRequest> free = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      free.add(request("row-" + i, "abc".repeat(i + 1), 30));
    }
    List<GenerationResult> results = run(CONFIG, whole, OPTIONS, free);
    assertThat(accepted(results)).isEqualTo(drafted(results)).isPositive();
    List<GenerationRequest> rows = new ArrayList<>();
    for (int i = 0; i < free.size(); i++) {
      String text = results.get(i).text();
      SamplingParams stopping =
          new SamplingParams(
              30, 0, 0, 1, 0, 1, 0, List.of(text.substring(0, Math.min(3, text.length()))), 0);
      rows.add(new GenerationRequest("row-" + i, free.get(i).prompt(), stopping));
    }
    List<GenerationResult> stopped = run(CONFIG, whole, OPTIONS, rows);
    assertThat(lossless(stopped))
        .isEqualTo(lossless(run(CONFIG, DepthPolicy.full(), OPTIONS, rows)));
    assertThat(stopped).anyMatch(r -> r.stopReason() != null);
    assertThat(accepted(stopped)).isLessThan(drafted(stopped));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void endOfTextInsideADraftEndsTheRowThere(DepthPolicy policy) {
    List<GenerationRequest> rows = requests(30);
    List<Integer> ends = new ArrayList<>();
    for (GenerationResult r : run(CONFIG, DepthPolicy.full(), OPTIONS, rows)) {
      ends.add(r.tokenIds().get(r.tokenIds().size() / 2));
    }
    ModelConfig config = TinyModels.config(128, ends.subList(0, 6));
    List<GenerationResult> plain = run(config, DepthPolicy.full(), OPTIONS, rows);
    assertThat(plain.stream().filter(r -> ends.contains(r.tokenIds().getLast())).count())
        .isGreaterThan(5);
    assertThat(lossless(run(config, policy, OPTIONS, rows))).isEqualTo(lossless(plain));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void draftsStopAtTheContextWindowAndAtTheMostTokens(DepthPolicy policy) {
    List<GenerationRequest> rows = new ArrayList<>();
    for (int length = 118; length < 128; length++) {
      String text = "z".repeat(length);
      rows.add(request("context-" + length, text, 100));
      rows.add(request("most-" + length, text.substring(80), length - 117));
    }
    List<GenerationResult> results = run(CONFIG, policy, OPTIONS, rows);
    assertThat(lossless(results))
        .isEqualTo(lossless(run(CONFIG, DepthPolicy.full(), OPTIONS, rows)));
    assertThat(results).allMatch(r -> r.usage().totalTokens() <= 128);
    assertThat(results).anyMatch(r -> r.finishReason() == FinishReason.LENGTH);
  }

  private static GenerationRequest request(String key, String text, int maxTokens) {
    return new GenerationRequest(key, new Prompt.Text(text), SamplingParams.greedy(maxTokens));
  }

  @Test
  void fullBatchDecodesPlainly() {
    List<GenerationRequest> rows = requests(24);
    DepthPolicy policy = spec("layerskip:exit=5,length=4,confidence=0,max-rows=2");
    List<GenerationResult> crowded = run(CONFIG, policy, OPTIONS.withMaxBatch(8), rows);
    List<GenerationResult> alone = run(CONFIG, policy, OPTIONS.withMaxBatch(1), rows);
    assertThat(lossless(crowded)).isEqualTo(lossless(alone));
    assertThat(drafted(crowded)).isPositive().isLessThan(drafted(alone) / 2);
  }

  @Test
  void rowsThatSampleDoNotDraft() {
    for (GenerationResult r : run(CONFIG, spec("layerskip:exit=5"), OPTIONS, requests(20))) {
      int index = Integer.parseInt(r.key().substring(4));
      if (index % 5 == 4) {
        assertThat(r.compute().draftedTokens()).isZero();
      }
    }
  }
}
