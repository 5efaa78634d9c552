package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What storing keys and values in fewer bits costs. */
class TestKvTypes {
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int TOKENS = 60;

  private static float[] logits(KvType type) {
    Kernels kernels = Kernels.best();
    LlamaModel model = TinyModels.model(CONFIG, kernels, DepthPolicy.full());
    KvPages pages = new KvPages(new KvPool(CONFIG, type, 0, Arena.ofAuto()));
    RowContext row = new RowContext(1, TOKENS, 1);
    SequenceState state = new SequenceState(CONFIG, pages, model.policy(), row, false);
    Activations act = new Activations(CONFIG, kernels);
    Step step = new Step();
    int[] tokens = new Random(3).ints(TOKENS, 0, 256).toArray();
    for (int p = 0; p < TOKENS; p++) {
      step.add(state, tokens[p], p, true, true);
    }
    model.forward(step, act);
    return Arrays.copyOf(act.logits(), TOKENS * CONFIG.vocabSize());
  }

  @ParameterizedTest
  @CsvSource({"F16, 1e-3", "BF16, 1e-2", "Q8, 2e-2"})
  void logitsStayNearThoseOfFullPrecision(KvType type, double tolerance) {
    float[] expected = logits(KvType.F32);
    float[] actual = logits(type);
    double squares = 0;
    double errors = 0;
    for (int i = 0; i < expected.length; i++) {
      squares += (double) expected[i] * expected[i];
      errors += Math.pow(actual[i] - expected[i], 2);
    }
    assertThat(Math.sqrt(errors / squares)).isBetween(tolerance / 100, tolerance);
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void entriesReadBackAsNearAsTheirTypeAllows(KvType type) {
    KvLayout layout = new KvLayout(type, 2, 40);
    MemorySegment page = Arena.ofAuto().allocate(layout.pageBytes(), KvLayout.ALIGNMENT);
    Random random = new Random(1);
    float[] key = new float[80];
    float[] value = new float[80];
    for (int i = 0; i < 80; i++) {
      key[i] = (float) random.nextGaussian() * (i < 40 ? 1 : 300);
      value[i] = (float) random.nextGaussian();
    }
    layout.write(page, 5, key, value, 0);
    float[] keys = new float[40 * Kernels.PAGE];
    float[] values = new float[40 * Kernels.PAGE];
    for (int head = 0; head < 2; head++) {
      layout.readKeys(page, head, keys);
      layout.readValues(page, head, values);
      for (int d = 0; d < 40; d++) {
        int i = head * 40 + d;
        assertNear(type, keys[d * Kernels.PAGE + 5], key, i);
        assertNear(type, values[5 * 40 + d], value, i);
      }
    }
  }

  private static void assertNear(KvType type, float found, float[] wanted, int index) {
    double most =
        switch (type) {
          case F32 -> 0;
          case F16 -> 5e-4 * Math.abs(wanted[index]);
          case BF16 -> 4e-3 * Math.abs(wanted[index]);
          case Q8 -> largestOfBlock(wanted, index) / 253;
        };
    assertThat((double) Math.abs(found - wanted[index])).isLessThanOrEqualTo(most);
  }

  private static double largestOfBlock(float[] x, int index) {
    int from = index / 40 * 40 + index % 40 / 32 * 32;
    int end = Math.min(from + 32, index / 40 * 40 + 40);
    double largest = 0;
    for (int i = from; i < end; i++) {
      largest = Math.max(largest, Math.abs(x[i]));
    }
    return largest;
  }

  @Test
  void numbersBeyondTheRangeOfHalvesBecomeTheLargestAndNanStays() {
    KvLayout layout = new KvLayout(KvType.F16, 1, 2);
    MemorySegment page = Arena.ofAuto().allocate(layout.pageBytes(), KvLayout.ALIGNMENT);
    float[] out = new float[2 * Kernels.PAGE];
    layout.write(page, 0, new float[] {1e9f, -1e9f}, new float[] {Float.NaN, 65520f}, 0);
    layout.readKeys(page, 0, out);
    assertThat(out[0]).isEqualTo(65504f);
    assertThat(out[Kernels.PAGE]).isEqualTo(-65504f);
    layout.readValues(page, 0, out);
    assertThat(out[0]).isNaN();
    assertThat(out[1]).isEqualTo(65504f);
  }
}
