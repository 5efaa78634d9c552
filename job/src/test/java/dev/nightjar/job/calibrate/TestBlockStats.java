package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.nightjar.engine.HiddenStates;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestBlockStats {
  private static final int LAYERS = 6;
  private static final int HIDDEN = 8;

  private static HiddenStates random(Random random) {
    int tokens = 3 + random.nextInt(6);
    float[][] residuals = new float[LAYERS + 1][tokens * HIDDEN];
    float[][] middle = new float[LAYERS][tokens * HIDDEN];
    for (int layer = 0; layer <= LAYERS; layer++) {
      for (int i = 0; i < tokens * HIDDEN; i++) {
        residuals[layer][i] = (float) random.nextGaussian();
        if (layer < LAYERS) {
          middle[layer][i] = (float) random.nextGaussian();
        }
      }
    }
    return new HiddenStates(new int[tokens], tokens - 2, LAYERS, HIDDEN, residuals, middle);
  }

  @Test
  void meansAreThoseOfADirectComputation() {
    Random random = new Random(1);
    List<HiddenStates> rows = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      rows.add(random(random));
    }
    BlockStats stats = new BlockStats(LAYERS);
    rows.forEach(stats::addRow);
    for (int layer = 0; layer < LAYERS; layer++) {
      double similarity = 0;
      double ratio = 0;
      double block = 0;
      int tokens = 0;
      for (HiddenStates row : rows) {
        double cosines = 0;
        double before = 0;
        double after = 0;
        for (int t = 0; t < row.promptTokens(); t++) {
          cosines += cosine(row.residuals()[layer], row.afterAttention()[layer], t);
          before += norm(row.residuals()[layer], t);
          after += norm(row.afterAttention()[layer], t);
        }
        similarity += cosines / row.promptTokens() / rows.size();
        ratio += Math.sqrt(after / before) / rows.size();
        for (int t = 0; t < row.tokens().length; t++) {
          block += cosine(row.residuals()[layer], row.residuals()[layer + 1], t);
          tokens++;
        }
      }
      assertThat(stats.attentionSimilarity()[layer]).isCloseTo(similarity, offset(1e-8));
      assertThat(stats.attentionRatio()[layer]).isCloseTo(ratio, offset(1e-8));
      assertThat(stats.blockSimilarity(layer, 1)).isCloseTo(block / tokens, offset(1e-8));
      assertThat(stats.tokens()).isEqualTo(tokens);
    }
  }

  private static double cosine(float[] a, float[] b, int token) {
    double ab = 0;
    for (int i = token * HIDDEN; i < (token + 1) * HIDDEN; i++) {
      ab += (double) a[i] * b[i];
    }
    return ab / Math.sqrt(norm(a, token) * norm(b, token));
  }

  private static double norm(float[] a, int token) {
    double sum = 0;
    for (int i = token * HIDDEN; i < (token + 1) * HIDDEN; i++) {
      sum += (double) a[i] * a[i];
    }
    return sum;
  }

  @Test
  void anyPartitioningGivesTheSameBits() {
    Random random = new Random(2);
    BlockStats whole = new BlockStats(LAYERS);
    BlockStats[] parts = {
      new BlockStats(LAYERS), new BlockStats(LAYERS), new BlockStats(LAYERS), new BlockStats(LAYERS)
    };
    for (int i = 0; i < 30; i++) {
      HiddenStates row = random(random);
      whole.addRow(row);
      parts[random.nextInt(3)].addRow(row);
    }
    BlockStats merged = parts[3].merge(parts[1]).merge(parts[2].merge(parts[0]));
    assertThat(Serialised.bytes(merged)).isEqualTo(Serialised.bytes(whole));
  }

  @Test
  void zeroVectorsHaveACosine() {
    float[] zero = new float[2];
    float[] one = {1, 0};
    assertThat(BlockStats.cosine(zero, zero, 0, 2)).isEqualTo(1);
    assertThat(BlockStats.cosine(zero, one, 0, 2)).isZero();
    assertThat(BlockStats.cosine(one, one, 0, 2)).isEqualTo(1);
  }
}
