package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.depth.ArtefactFolder;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LayerTrace;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import dev.nightjar.engine.tokenizer.Sentences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two-dimensional early exit: prompts that are read sentence by sentence and ever deeper. */
class TestReading {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final int LAYERS = CONFIG.numLayers();
  private static final List<String> LABELS = List.of("ham", "spam", "no");
  private static final int[] DEPTHS = {1, 2, 4, 4};
  private static final String TEXT = "One two three. Four, five! Six seven eight? Nine. Ten\nend";
  private static final int[] ENDS = {14, 26, 43, 54, 57};

  @TempDir private Path folder;

  private ArtefactFolder artefact() {
    ArtefactFolder artefact =
        new ArtefactFolder(folder, "2d", CONFIG)
            .with("labels", LABELS)
            .with("depths", DEPTHS)
            .with("thresholds", List.of(0.8, 0.8, 0.75, 0.7));
    Random random = new Random(5);
    for (int i = 0; i < DEPTHS.length; i++) {
      artefact.random(random, 0.12, "adapters." + i + ".weight", 3, CONFIG.hiddenSize());
      artefact.random(random, 0.1, "adapters." + i + ".bias", 3);
    }
    return artefact;
  }

  private static DepthPolicy load(String spec) {
    return ArtefactFolder.load(spec, CONFIG, KERNELS);
  }

  private static Map<String, GenerationResult> run(
      DepthPolicy policy, EngineConfig options, List<GenerationRequest> requests) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    Map<String, GenerationResult> out = new HashMap<>();
    new BatchDecoder(model, ENCODER, KERNELS, options, requests.iterator(), false)
        .forEachRemaining(result -> out.put(result.key(), result));
    return out;
  }

  private static GenerationResult run(DepthPolicy policy, String text, List<String> labels) {
    GenerationRequest request =
        new GenerationRequest("k", new Prompt.Text(text), Task.Choose.of(labels));
    return run(policy, EngineConfig.DEFAULT, List.of(request)).get("k");
  }

  /** Rows of several sentences; every fifth one generates. */
  private static List<GenerationRequest> requests(int count) {
    Random random = new Random(77);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int sentence = 0; sentence <= random.nextInt(7); sentence++) {
        for (int j = 1 + random.nextInt(25); j > 0; j--) {
          text.append((char) ('a' + random.nextInt(26)));
        }
        text.append(". ");
      }
      Task task =
          i % 5 == 0
              ? new Task.Generate(SamplingParams.greedy(4))
              : Task.Choose.of(i % 2 == 0 ? LABELS : List.of("spam", "no", "ham"));
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(text.toString()), task));
    }
    return out;
  }

  private static List<Object> content(GenerationResult r) {
    return List.of(
        String.valueOf(r.error()),
        r.tokenIds(),
        r.cumulativeLogprob(),
        r.usage(),
        String.valueOf(r.finding()),
        String.valueOf(r.compute()));
  }

  @Test
  void sentencesEndBehindMarksAndLineBreaks() {
    ByteTokenizer tokenizer = new ByteTokenizer();
    int[] ids = tokenizer.encode(TEXT);
    assertThat(Sentences.ends(ids, 2, tokenizer)).isEqualTo(new int[] {14, 26, 43, 49, 54, 57});
    assertThat(Sentences.ends(ids, 8, tokenizer)).isEqualTo(ENDS);
    assertThat(Sentences.ends(ids, 100, tokenizer)).isEqualTo(new int[] {57});
    assertThat(Sentences.ends(tokenizer.encode("1.5 a.b"), 1, tokenizer)).isEqualTo(new int[] {7});
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "random:keep=0.6,seed=5", "unified:keep=0.7"})
  void withoutADecisionARowIsWhatItIsWhenReadAtOnce(String other) {
    String never = artefact().write() + ",threshold=2";
    DepthPolicy reading = load(other.isEmpty() ? never : other + "+" + never);
    DepthPolicy plain = load(other.isEmpty() ? "full" : other);
    GenerationResult read = run(reading, TEXT, LABELS);
    GenerationResult whole = run(plain, TEXT, LABELS);
    assertThat(read.finding()).isEqualTo(whole.finding());
    assertThat(read.usage()).isEqualTo(whole.usage());
    ComputeStats a = read.compute();
    ComputeStats b = whole.compute();
    assertThat(a.layerExecutions()).isEqualTo(b.layerExecutions());
    assertThat(a.layersExecuted()).isEqualTo(b.layersExecuted());
    assertThat(a.layersSkipped()).isEqualTo(b.layersSkipped());
    assertThat(a.layersExecutedPrefill()).isEqualTo(b.layersExecutedPrefill());
    assertThat(a.layersSkippedPrefill()).isEqualTo(b.layersSkippedPrefill());
    assertThat(a.exitLayerHistogram()).isEqualTo(b.exitLayerHistogram());
    assertThat(a.kvBytes()).isEqualTo(b.kvBytes());
    assertThat(a.flopsFull()).isEqualTo(b.flopsFull());
    long judged = 0;
    for (int end : ENDS) {
      judged += (long) CONFIG.hiddenSize() * (3 + end);
    }
    assertThat(a.flops()).isEqualTo(b.flops() + 2 * judged);
  }

  @Test
  void everySentenceIsJudgedByTheMeanResidualAtItsDepth() {
    String spec = artefact().write();
    int[] ids = new ByteTokenizer().encode(TEXT);
    for (int sentence = 0; sentence < ENDS.length; sentence++) {
      int depth = DEPTHS[Math.min(sentence, 3)];
      float[] mean = mean(Arrays.copyOf(ids, ENDS[sentence]), depth);
      float[] expected = load(spec).reading().logprobs(sentence, mean);
      // The threshold that this sentence reaches and none before it: found by trying.
      double largest = StrictMath.exp(Math.max(expected[0], Math.max(expected[1], expected[2])));
      GenerationResult result = run(load(spec + ",threshold=" + (largest - 1e-4)), TEXT, LABELS);
      int exit = result.compute().exitLayerHistogram().indexOf(1);
      long read = result.compute().layerExecutions().get(0);
      if (read != ENDS[sentence]) {
        assertThat(read).isLessThan(ENDS[sentence]);
        continue;
      }
      assertThat(exit).isEqualTo(depth);
      Finding.Choice choice = (Finding.Choice) result.finding();
      for (int label = 0; label < 3; label++) {
        assertThat(choice.scores().get(label).logprob()).isEqualTo((double) expected[label]);
      }
    }
  }

  /** The mean of the residuals after some layers of the dense model. */
  private static float[] mean(int[] tokens, int depth) {
    float[] mean = new float[CONFIG.hiddenSize()];
    LlamaModel dense = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    LayerTrace trace =
        new LayerTrace() {
          @Override
          public void entering(int layer, float[] residual, int slots) {
            if (layer == depth) {
              for (int i = 0; i < slots * mean.length; i++) {
                mean[i % mean.length] += residual[i];
              }
              for (int i = 0; i < mean.length; i++) {
                mean[i] /= slots;
              }
            }
          }

          @Override
          public void betweenSublayers(int layer, float[] residual, int slots) {}
        };
    Scorer.trace(dense, KERNELS, tokens, trace);
    return mean;
  }

  @Test
  void aRowDecidedAtOnceCostsItsFirstSentenceAtTheFirstDepth() {
    GenerationResult result = run(load(artefact().write() + ",threshold=0"), TEXT, LABELS);
    ComputeStats stats = result.compute();
    int read = ENDS[0];
    int prompt = TEXT.length();
    assertThat(result.usage().promptTokens()).isEqualTo(prompt);
    assertThat(result.usage().completionTokens()).isEqualTo(1);
    assertThat(stats.layerExecutions().get(0)).isEqualTo(read);
    assertThat(stats.layersExecutedPrefill()).isEqualTo(read);
    assertThat(stats.layersSkippedPrefill()).isEqualTo((long) LAYERS * (prompt - 1) - read);
    assertThat(stats.layersExecuted()).isZero();
    assertThat(stats.layersExited()).isEqualTo(LAYERS);
    assertThat(stats.earlyExitTokens()).isEqualTo(1);
    assertThat(stats.kvBytes()).isEqualTo(8L * read * CONFIG.kvDim());
    long attention = (long) read * (read + 1) * CONFIG.queryDim();
    long judged = (long) CONFIG.hiddenSize() * (3 + read);
    assertThat(stats.flops()).isEqualTo(2.0 * (read * CONFIG.layerMacs() + attention + judged));
    long full = prompt * CONFIG.layerMacs() + (long) prompt * (prompt + 1) * CONFIG.queryDim();
    assertThat(stats.flopsFull()).isEqualTo(2.0 * (LAYERS * full + CONFIG.headMacs()));
    assertThat(((Finding.Choice) result.finding()).label()).isEqualTo(result.text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "random:keep=0.6,seed=5+"})
  void batchPromptChunkAndOrderDoNotChangeAnything(String other) {
    DepthPolicy policy = load(other + artefact().write());
    List<GenerationRequest> requests = requests(30);
    EngineConfig options = EngineConfig.DEFAULT;
    Map<String, List<Object>> alone = new HashMap<>();
    Set<Integer> exits = new HashSet<>();
    run(policy, options.withMaxBatch(1), requests)
        .forEach((key, result) -> {
          assertThat(result.error()).isNull();
          alone.put(key, content(result));
          if (result.finding() != null) {
            ComputeStats stats = result.compute();
            exits.add(stats.earlyExitTokens() == 0 ? LAYERS : stats.minExitLayer());
          }
        });
    assertThat(exits).contains(LAYERS).hasSizeGreaterThan(2);
    for (int[] setting : new int[][] {{4, 0}, {7, 1}, {32, 16}}) {
      List<GenerationRequest> shuffled = new ArrayList<>(requests);
      Collections.shuffle(shuffled, new Random(setting[0]));
      run(policy, options.withMaxBatch(setting[0]).withPromptChunk(setting[1]), shuffled)
          .forEach((key, result) -> assertThat(content(result)).isEqualTo(alone.get(key)));
    }
  }

  @Test
  void otherRowsAreNotReadInPieces() {
    DepthPolicy policy = load(artefact().write() + ",threshold=0");
    for (Task task :
        List.of(
            Task.Choose.of(List.of("ham", "spam")),
            Task.Score.of("ham"),
            new Task.Generate(SamplingParams.greedy(5)))) {
      GenerationRequest request = new GenerationRequest("k", new Prompt.Text(TEXT), task);
      GenerationResult read = run(policy, EngineConfig.DEFAULT, List.of(request)).get("k");
      GenerationResult full =
          run(DepthPolicy.full(), EngineConfig.DEFAULT, List.of(request)).get("k");
      assertThat(read.tokenIds()).isEqualTo(full.tokenIds());
      assertThat(read.cumulativeLogprob()).isEqualTo(full.cumulativeLogprob());
      assertThat(read.compute().flops()).isEqualTo(full.compute().flops());
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    String spec = artefact().write();
    assertThatThrownBy(() -> load(spec + "+exit:threshold=0.9"))
        .hasMessageContaining("lets tokens leave");
    assertThatThrownBy(() -> load("pyramid+" + spec)).hasMessageContaining("whole prompts");
    assertThatThrownBy(() -> load(spec + ",threshold=3")).hasMessageContaining("threshold");
    artefact().with("depths", List.of(2, 1, 3, 3)).write();
    assertThatThrownBy(() -> load(spec)).hasMessageContaining("none below the one before");
    artefact().with("depths", List.of(1, 2, 3, 6)).write();
    assertThatThrownBy(() -> load(spec)).hasMessageContaining("in [1, 5]");
    artefact().with("labels", List.of("a", "a", "b")).write();
    assertThatThrownBy(() -> load(spec)).hasMessageContaining("different labels");
    artefact().without("adapters.1.bias").write();
    assertThatThrownBy(() -> load(spec)).hasMessageContaining("adapters.1.bias");
  }
}
