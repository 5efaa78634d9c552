package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.MaskReplay;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every supported architecture in both formats: golden outputs of an independent float64
 * implementation ({@code scripts/train/reference}, one file per family, written by {@code
 * scripts/train/goldens_families.py}) and the invariants of the forward pass.
 */
class TestModelFamilies {
  private static final String ROOT = "/families";
  private static final DepthPolicy FULL = DepthPolicy.full();

  static List<String> names() throws IOException {
    return GoldenModel.names(ROOT);
  }

  @Test
  void everyFamilyHasGoldensInEveryFormat() throws IOException {
    List<String> expected =
        Stream.of(ModelFamily.values())
            .map(family -> family.name().toLowerCase(Locale.ROOT))
            .flatMap(name -> Stream.of(name + "-hf", name + "-gguf"))
            .sorted()
            .toList();
    assertThat(names()).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("names")
  void filesAreRecognised(String name) throws IOException {
    String family = GoldenModel.read(ROOT, name).path("family").asText().toUpperCase(Locale.ROOT);
    // GGUF files of Mistral say that they are Llamas.
    String expected = name.equals("mistral-gguf") ? "llama" : ModelFamily.valueOf(family).id();
    try (GoldenModel model = GoldenModel.open(ROOT, name, "full")) {
      assertThat(model.config().architecture()).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void logitsAgree(String name) throws IOException {
    try (GoldenModel model = GoldenModel.open(ROOT, name, "full")) {
      model.compareLogits(GoldenModel.read(ROOT, name));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void greedyTokensAreEqual(String name) throws IOException {
    try (GoldenModel model = GoldenModel.open(ROOT, name, "full")) {
      for (JsonNode prompt : GoldenModel.read(ROOT, name).path("prompts")) {
        int[] ids = GoldenModel.ints(prompt.path("ids"));
        GoldenModel.Run run = model.greedy(ids, prompt.path("greedy").size());
        assertThat(run.tokens()).as(name).isEqualTo(GoldenModel.list(prompt.path("greedy")));
      }
    }
  }

  /** Windows count positions, not what is left in a layer of the tokens that ran it. */
  @ParameterizedTest
  @MethodSource("names")
  void logitsOfSkippingTokensAgree(String name) throws IOException {
    JsonNode masked = GoldenModel.read(ROOT, name).path("masked");
    List<BitSet> slots = new ArrayList<>();
    for (String mask : GoldenModel.texts(masked.path("executed"))) {
      BitSet layers = new BitSet();
      for (int layer = 0; layer < mask.length(); layer++) {
        layers.set(layer, mask.charAt(layer) == '1');
      }
      slots.add(layers);
    }
    DepthPolicy policy = DepthPolicy.named("replay").with(new MaskReplay(slots));
    try (GoldenModel model = GoldenModel.open(ROOT, name, GoldenModel.KERNELS, policy)) {
      model.compareLogits(masked.path("logits"), ids(name));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void scalarAndVectorKernelsGiveTheSameBits(String name) throws IOException {
    Kernels scalar = new ScalarKernels();
    try (GoldenModel vector = GoldenModel.open(ROOT, name, GoldenModel.KERNELS, FULL);
        GoldenModel oracle = GoldenModel.open(ROOT, name, scalar, FULL)) {
      assertThat(vector.logits(ids(name), 20)).isEqualTo(oracle.logits(ids(name), 20));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void chunkSizeDoesNotChangeABit(String name) throws IOException {
    for (DepthPolicy policy : List.of(FULL, skipping(name))) {
      try (GoldenModel model = GoldenModel.open(ROOT, name, GoldenModel.KERNELS, policy)) {
        float[][] whole = model.logits(ids(name), 20);
        for (int chunk : new int[] {1, 3, 16}) {
          assertThat(model.logits(ids(name), chunk)).as("chunks of " + chunk).isEqualTo(whole);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void companionsDoNotChangeABit(String name) throws IOException {
    for (DepthPolicy policy : List.of(FULL, skipping(name))) {
      try (GoldenModel model = GoldenModel.open(ROOT, name, GoldenModel.KERNELS, policy)) {
        Random random = new Random(5);
        int[] own = ids(name);
        int[][] rows = new int[3][];
        for (int i = 0; i < rows.length; i++) {
          rows[i] = random.ints(own.length, 0, model.config().vocabSize()).toArray();
        }
        rows[1] = own;
        assertThat(model.together(rows)[1]).isEqualTo(model.logits(own, own.length));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void sharedBeginningsDoNotChangeABit(String name) throws IOException {
    for (DepthPolicy policy : List.of(FULL, skipping(name))) {
      try (GoldenModel model = GoldenModel.open(ROOT, name, GoldenModel.KERNELS, policy)) {
        int[] own = ids(name);
        float[][] whole = model.logits(own, own.length);
        assertThat(model.logitsBehindSharedBlock(own))
            .isEqualTo(Arrays.copyOfRange(whole, Kernels.PAGE, own.length));
        assertThat(model.logitsOfBranch(own, 6))
            .isEqualTo(Arrays.copyOfRange(whole, own.length - 6, own.length));
      }
    }
  }

  private static DepthPolicy skipping(String name) throws IOException {
    try (GoldenModel model = GoldenModel.open(ROOT, name, "full")) {
      double[] rates = RandomSkip.uniformRates(model.layers(), 0.6);
      return DepthPolicy.named("random").with(new RandomSkip(rates, 5));
    }
  }

  private static int[] ids(String name) throws IOException {
    return GoldenModel.ints(GoldenModel.read(ROOT, name).path("prompts").path(0).path("ids"));
  }
}
