package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.nightjar.engine.depth.Depth;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Readers and forward pass against golden outputs of an independent float64 implementation ({@code
 * scripts/train/reference.py}), for tiny models that cover every switch of the architecture.
 */
class TestGoldens {
  /** Of the largest logit of the position. */
  private static final double TOLERANCE = 1e-4;

  private static final Kernels KERNELS = Kernels.best();

  @Test
  void coverEverySwitch() throws IOException {
    assertThat(names()).hasSizeGreaterThanOrEqualTo(19);
    assertThat(gated()).hasSizeGreaterThanOrEqualTo(2);
    assertThat(exiting()).hasSizeGreaterThanOrEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("names")
  void denseLogitsAgree(String name) throws IOException {
    JsonNode golden = golden(name);
    try (Runner runner = new Runner(name, golden, "full")) {
      compareLogits(name, golden, runner);
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void denseGreedyTokensAreEqual(String name) throws IOException {
    JsonNode golden = golden(name);
    try (Runner runner = new Runner(name, golden, "full")) {
      for (JsonNode prompt : golden.path("prompts")) {
        Run run = runner.greedy(ints(prompt.path("ids")), prompt.path("greedy").size());
        assertThat(run.tokens()).as(name).isEqualTo(list(prompt.path("greedy")));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("gated")
  void gatedLogitsAgree(String name) throws IOException {
    JsonNode golden = golden(name);
    try (Runner runner = new Runner(name, golden, "dllm")) {
      compareLogits(name, golden.path("dllm"), runner);
    }
  }

  @ParameterizedTest
  @MethodSource("gated")
  void gatedTokensAndMasksAreEqual(String name) throws IOException {
    JsonNode golden = golden(name);
    try (Runner runner = new Runner(name, golden, "dllm")) {
      for (JsonNode prompt : golden.path("dllm").path("prompts")) {
        Run run = runner.greedy(ints(prompt.path("ids")), prompt.path("greedy").size());
        assertThat(run.masks(runner.layers())).as(name).isEqualTo(texts(prompt.path("executed")));
        assertThat(run.tokens()).as(name).isEqualTo(list(prompt.path("greedy")));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("exiting")
  void exitingTokensAndExitLayersAreEqual(String name) throws IOException {
    JsonNode golden = golden(name);
    JsonNode exit = golden.path("exit");
    String layers =
        String.join("+", list(exit.path("after_layers")).stream().map(String::valueOf).toList());
    String spec =
        "exit:confidence=top1,threshold=" + exit.path("threshold").asText() + ",layers=" + layers;
    try (Runner runner = new Runner(name, golden, spec)) {
      for (JsonNode prompt : exit.path("prompts")) {
        int[] ids = ints(prompt.path("ids"));
        Run run = runner.greedy(ids, prompt.path("greedy").size());
        assertThat(run.tokens()).as(name).isEqualTo(list(prompt.path("greedy")));
        assertThat(run.depths(ids.length - 1)).as(name).isEqualTo(list(prompt.path("exit_layers")));
      }
    }
  }

  static List<String> names() throws IOException {
    try (Stream<Path> folders = Files.list(root())) {
      return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
    }
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
      if (golden(name).has(part)) {
        out.add(name);
      }
    }
    return out;
  }

  private static Path root() {
    try {
      return Path.of(TestGoldens.class.getResource("/goldens").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("the resource's address is no URI", e);
    }
  }

  private static JsonNode golden(String name) throws IOException {
    return new ObjectMapper().readTree(root().resolve(name).resolve("golden.json").toFile());
  }

  private static void compareLogits(String name, JsonNode part, Runner runner) {
    JsonNode expected = part.path("logits");
    int prompt = expected.path("prompt").asInt();
    int[] ids = ints(part.path("prompts").path(prompt).path("ids"));
    float[][] actual = runner.logits(ids);
    for (int i = 0; i < expected.path("positions").size(); i++) {
      int position = expected.path("positions").path(i).asInt();
      compareRow(
          name + ", position " + position, actual[position], expected.path("values").path(i));
    }
  }

  private static void compareRow(String what, float[] actual, JsonNode expected) {
    assertThat(actual).as(what).hasSize(expected.size());
    double largest = 0;
    double difference = 0;
    StringBuilder pairs = new StringBuilder();
    for (int i = 0; i < actual.length; i++) {
      double value = expected.path(i).asDouble();
      largest = Math.max(largest, Math.abs(value));
      double d = Math.abs(actual[i] - value);
      difference = d > difference || Double.isNaN(d) ? d : difference;
      if (i < 5) {
        pairs.append(" (").append(actual[i]).append(", ").append(value).append(')');
      }
    }
    assertThat(difference / largest)
        .as(
            "%s: max difference %s of max logit %s; first (found, expected):%s",
            what, difference, largest, pairs)
        .isLessThanOrEqualTo(TOLERANCE);
  }

  private static int[] ints(JsonNode array) {
    int[] out = new int[array.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = array.path(i).asInt();
    }
    return out;
  }

  private static List<Integer> list(JsonNode array) {
    List<Integer> out = new ArrayList<>();
    array.forEach(node -> out.add(node.asInt()));
    return out;
  }

  private static List<String> texts(JsonNode array) {
    List<String> out = new ArrayList<>();
    array.forEach(node -> out.add(node.asText()));
    return out;
  }

  /** Generated tokens and, by position, the layers that each slot ran. */
  private record Run(List<Integer> tokens, List<BitSet> slots) {

    /** One text per slot with a 0 or 1 per layer, as the goldens have it. */
    List<String> masks(int layers) {
      List<String> out = new ArrayList<>();
      for (BitSet slot : slots) {
        StringBuilder mask = new StringBuilder();
        for (int layer = 0; layer < layers; layer++) {
          mask.append(slot.get(layer) ? '1' : '0');
        }
        out.add(mask.toString());
      }
      return out;
    }

    /** Layers run by the slots from a position on. */
    List<Integer> depths(int from) {
      return slots.subList(from, slots.size()).stream().map(BitSet::cardinality).toList();
    }
  }

  /** A golden model under one depth policy. */
  private static final class Runner implements AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final OpenModel files;
    private final LlamaModel model;
    private final ModelConfig config;
    private final Activations activations;
    private final Step step = new Step();

    Runner(String name, JsonNode golden, String depthSpec) {
      Path folder = root().resolve(name);
      files = ModelFiles.open(folder.resolve(golden.path("model").asText()).normalize());
      config = files.weights().config();
      Depth.ModelFacts facts =
          new Depth.ModelFacts(
              config.numLayers(),
              config.hiddenSize(),
              new int[] {config.queryDim(), config.kvDim()},
              folder.resolve("depth"),
              () -> WeightsDigest.of(files.store()));
      Depth depth = Depth.of(DepthSpec.parse(depthSpec), facts, KERNELS, arena);
      ModelWeights weights = ModelWeights.load(files.weights(), depth.updates(), arena);
      model = new LlamaModel(weights, KERNELS, depth.policy());
      activations = new Activations(config, KERNELS);
    }

    int layers() {
      return config.numLayers();
    }

    /** {@code [tokens, V]} logits of every position. */
    float[][] logits(int[] tokens) {
      feed(state(), tokens, 0, true, true);
      float[][] out = new float[tokens.length][];
      for (int i = 0; i < tokens.length; i++) {
        out[i] = row(i);
      }
      return out;
    }

    /** Greedy continuation: the whole prompt at once, then token by token. */
    Run greedy(int[] prompt, int count) {
      SequenceState state = state();
      feed(state, prompt, 0, true, false);
      List<Integer> tokens = new ArrayList<>(List.of(argmax(row(0))));
      while (tokens.size() < count) {
        int position = prompt.length + tokens.size() - 1;
        feed(state, new int[] {tokens.getLast()}, position, false, true);
        tokens.add(argmax(row(0)));
      }
      return new Run(tokens, Traces.of(state));
    }

    private SequenceState state() {
      return new SequenceState(
          config, new KvPages(config), model.policy(), new RowContext(0L, 1, 1), true);
    }

    private void feed(SequenceState state, int[] tokens, int from, boolean prompt, boolean all) {
      step.clear();
      for (int i = 0; i < tokens.length; i++) {
        step.add(state, tokens[i], from + i, prompt, all || i == tokens.length - 1);
      }
      model.forward(step, activations);
    }

    private float[] row(int index) {
      int v = config.vocabSize();
      return Arrays.copyOfRange(activations.logits(), index * v, (index + 1) * v);
    }

    private static int argmax(float[] row) {
      return KERNELS.argmax(row, 0, row.length);
    }

    @Override
    public void close() {
      arena.close();
      files.close();
    }
  }
}
