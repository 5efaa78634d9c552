package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.Kernels;
import java.util.HashMap;
import java.util.Map;

/**
 * Rotary position embedding of queries and keys, by layer and by length of the row. Immutable and
 * safe for concurrent use.
 */
final class Rotation {
  private final ModelConfig config;
  private final Kernels kernels;

  /** By layer; null where nothing is rotated. */
  private final RotaryTable[] tables;

  /** The same for rows that are longer than the original context. */
  private final RotaryTable[] longTables;

  Rotation(ModelConfig config, Kernels kernels) {
    this.config = config;
    this.kernels = kernels;
    this.tables = tables(false);
    this.longTables = tables(true);
  }

  private RotaryTable[] tables(boolean longRows) {
    Map<RopeConfig, RotaryTable> shared = new HashMap<>();
    RotaryTable[] out = new RotaryTable[config.numLayers()];
    for (int layer = 0; layer < out.length; layer++) {
      RopeConfig rope = config.blocks().layers().get(layer).rope();
      boolean differs = rope != null && rope.isLong(config.contextLength());
      if (rope == null) {
        continue;
      }
      if (longRows && !differs) {
        out[layer] = tables[layer];
      } else if (shared.containsKey(rope)) {
        out[layer] = shared.get(rope);
      } else {
        out[layer] = new RotaryTable(rope, config.headDim(), longRows, config.contextLength());
        shared.put(rope, out[layer]);
      }
    }
    return out;
  }

  /** Rotates the queries of one row of {@code [M, H*D]}. */
  void queries(int layer, SequenceState sequence, float[] x, int row, int position) {
    rotate(layer, sequence, x, row * config.queryDim(), config.numHeads(), position);
  }

  /** Rotates the keys of one row of {@code [M, K*D]}. */
  void keys(int layer, SequenceState sequence, float[] x, int row, int position) {
    rotate(layer, sequence, x, row * config.kvDim(), config.numKvHeads(), position);
  }

  private void rotate(
      int layer, SequenceState sequence, float[] x, int offset, int heads, int position) {
    RotaryTable table = (sequence.longRow ? longTables : tables)[layer];
    if (table == null) {
      return;
    }
    float[][] block = table.block(position);
    int at = table.offset(position);
    int d = config.headDim();
    if (table.dims() == d) {
      kernels.rotate(x, offset, heads, d, block[0], block[1], at);
      return;
    }
    for (int head = 0; head < heads; head++) {
      kernels.rotate(x, offset + head * d, 1, table.dims(), block[0], block[1], at);
    }
  }
}
