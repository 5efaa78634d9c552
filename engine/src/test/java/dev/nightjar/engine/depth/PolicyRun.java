package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.model.TinyRun;
import java.util.Arrays;
import java.util.Random;

/**
 * One sequence through the tiny model under a gate or a planner.
 *
 * @param logits of the last prompt token and of every later one
 * @param cells {@code [TOTAL][layers]} what was decided
 */
record PolicyRun(float[][] logits, byte[][] cells, SequenceState state) {
  static final int PROMPT = 37;
  static final int TOTAL = 45;
  static final ModelConfig CONFIG = TinyModels.config(256);
  static final int[] TOKENS = new Random(3).ints(TOTAL, 0, 256).toArray();

  /** A gate that writes down what another one decides. */
  private record Recorder(Gate gate, byte[][] cells) implements Gate {
    @Override
    public boolean gates(int layer) {
      return gate.gates(layer);
    }

    @Override
    public long macs(int layer) {
      return gate.macs(layer);
    }

    @Override
    public void gate(
        int layer, float[] x, int[] positions, int rows, byte[] out, GateScratch scratch) {
      gate.gate(layer, x, positions, rows, out, scratch);
      for (int row = 0; row < rows; row++) {
        cells[positions[row]][layer] = out[row];
      }
    }
  }

  static PolicyRun of(DepthPolicy policy, Kernels kernels, int chunk) {
    byte[][] cells = new byte[TOTAL][CONFIG.numLayers()];
    for (byte[] position : cells) {
      Arrays.fill(position, Cells.LAYER);
    }
    DepthPolicy recorded =
        policy.gate() == null ? policy : policy.with(new Recorder(policy.gate(), cells));
    TinyRun run = TinyRun.of(CONFIG, kernels, recorded, TOKENS, PROMPT, chunk);
    if (policy.planner() != null) {
      for (byte[] at : cells) {
        System.arraycopy(run.state().row().plan(CONFIG.numLayers()), 0, at, 0, at.length);
      }
    }
    return new PolicyRun(run.logits(), cells, run.state());
  }

  /** How often a decision was taken. */
  int count(byte wanted) {
    int count = 0;
    for (byte[] position : cells) {
      for (byte found : position) {
        count += found == wanted ? 1 : 0;
      }
    }
    return count;
  }

  /** The bits of all logits. */
  int[][] bits() {
    int[][] bits = new int[logits.length][];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = new int[logits[i].length];
      for (int j = 0; j < bits[i].length; j++) {
        bits[i][j] = Float.floatToRawIntBits(logits[i][j]);
      }
    }
    return bits;
  }
}
