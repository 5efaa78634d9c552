package dev.nightjar.job.calibrate;

import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import java.io.Serializable;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Residuals of some tokens of one row, with what each layer changed of them.
 *
 * @param inputs {@code [layers][tokens][hiddenSize]} residual that enters a layer
 * @param change {@code [layers][tokens]} one minus the cosine of the layer's input and output
 */
record GateSamples(float[][][] inputs, float[][] change) implements Serializable {

  /**
   * Takes tokens of a row by a random stream that depends on the row alone.
   *
   * @param first position from which tokens are taken
   * @param wanted tokens at most
   */
  static GateSamples of(LlmEngine engine, DenseRow row, int first, int wanted) {
    HiddenStates states = engine.hiddenStates(row.fed(), row.prompt().length);
    int[] positions = positions(row.rank(), first, states.tokens().length, wanted);
    int d = states.hiddenSize();
    float[][][] inputs = new float[states.layers()][positions.length][];
    float[][] change = new float[states.layers()][positions.length];
    for (int layer = 0; layer < states.layers(); layer++) {
      float[] in = states.residuals()[layer];
      float[] out = states.residuals()[layer + 1];
      for (int i = 0; i < positions.length; i++) {
        int offset = positions[i] * d;
        inputs[layer][i] = Arrays.copyOfRange(in, offset, offset + d);
        change[layer][i] = (float) (1 - BlockStats.cosine(in, out, offset, d));
      }
    }
    return new GateSamples(inputs, change);
  }

  /** Distinct positions in ascending order. */
  private static int[] positions(String rank, int first, int end, int wanted) {
    int available = Math.max(0, end - first);
    int count = Math.min(wanted, available);
    int[] all = new int[available];
    for (int i = 0; i < available; i++) {
      all[i] = first + i;
    }
    SplittableRandom random =
        new SplittableRandom(Long.parseUnsignedLong(rank.substring(0, 16), 16));
    for (int i = 0; i < count; i++) {
      int other = i + random.nextInt(available - i);
      int swapped = all[i];
      all[i] = all[other];
      all[other] = swapped;
    }
    int[] chosen = Arrays.copyOf(all, count);
    Arrays.sort(chosen);
    return chosen;
  }
}
