package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.kernel.Kernels;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TestSampler {
  private static final Kernels KERNELS = Kernels.best();
  private static final float[] LOGITS = {1f, 3f, 2f, -1f, 3f, 0f};

  private static SamplingParams params(
      float temperature, int topK, float topP, float minP, float penalty) {
    return new SamplingParams(1, temperature, topK, topP, minP, penalty, 7, List.of(), -1);
  }

  private static int[] counts(SamplingParams params, int draws) {
    Sampler sampler = new Sampler(params, "row", KERNELS);
    int[] counts = new int[LOGITS.length];
    for (int i = 0; i < draws; i++) {
      counts[sampler.next(LOGITS, 0, LOGITS.length)]++;
    }
    return counts;
  }

  private static Set<Integer> support(SamplingParams params) {
    Set<Integer> out = new HashSet<>();
    int[] counts = counts(params, 4000);
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        out.add(i);
      }
    }
    return out;
  }

  @Test
  void greedyTakesTheLowestIndexAmongEquals() {
    assertThat(new Sampler(params(0, 0, 1, 0, 1), "a", KERNELS).next(LOGITS, 0, 6)).isEqualTo(1);
  }

  @Test
  void frequenciesFollowTheSoftmax() {
    int draws = 200_000;
    int[] counts = counts(params(1, 0, 1, 0, 1), draws);
    double total = 0;
    for (float logit : LOGITS) {
      total += Math.exp(logit);
    }
    for (int i = 0; i < LOGITS.length; i++) {
      double expected = Math.exp(LOGITS[i]) / total;
      assertThat((double) counts[i] / draws)
          .isCloseTo(expected, org.assertj.core.data.Offset.offset(0.006));
    }
  }

  @Test
  void filtersKeepWhatTheyShould() {
    assertThat(support(params(1, 1, 1, 0, 1))).containsExactly(1);
    assertThat(support(params(1, 3, 1, 0, 1))).containsExactlyInAnyOrder(1, 2, 4);
    assertThat(support(params(1, 0, 0.5f, 0, 1))).containsExactlyInAnyOrder(1, 4);
    assertThat(support(params(1, 0, 1, 0.3f, 1))).containsExactlyInAnyOrder(1, 2, 4);
  }

  @Test
  void repetitionPenaltyDividesPositiveAndMultipliesNegativeLogits() {
    Sampler sampler = new Sampler(params(0, 0, 1, 0, 2), "a", KERNELS);
    sampler.observe(1, 6);
    sampler.observe(4, 6);
    assertThat(sampler.next(LOGITS, 0, 6)).isEqualTo(2);
  }

  @Test
  void streamDependsOnSeedAndRowKeyOnly() {
    SamplingParams params = params(1, 0, 1, 0, 1);
    StringBuilder a = new StringBuilder();
    StringBuilder b = new StringBuilder();
    StringBuilder other = new StringBuilder();
    Sampler first = new Sampler(params, "row", KERNELS);
    Sampler second = new Sampler(params, "row", KERNELS);
    Sampler third = new Sampler(params, "another row", KERNELS);
    for (int i = 0; i < 50; i++) {
      a.append(first.next(LOGITS, 0, 6));
      b.append(second.next(LOGITS, 0, 6));
      other.append(third.next(LOGITS, 0, 6));
    }
    assertThat(a.toString()).isEqualTo(b.toString()).isNotEqualTo(other.toString());
  }

  @Test
  void logitsAreNotModified() {
    float[] copy = LOGITS.clone();
    Sampler sampler = new Sampler(params(0.7f, 2, 0.9f, 0.1f, 1.5f), "a", KERNELS);
    sampler.observe(1, 6);
    sampler.next(copy, 0, 6);
    assertThat(copy).isEqualTo(LOGITS);
  }
}
