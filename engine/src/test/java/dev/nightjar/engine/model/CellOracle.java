package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Cells;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.RowContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A slow, plain forward pass in double precision, token by token, that does what a policy's
 * schedule, feed-forward rule and skip operation say, and counts it: the reference for sublayers,
 * repeated layers, factors and maps. It asks the policy but shares no code with the engine.
 */
final class CellOracle {
  private final ModelConfig config;
  private final WeightSource source;
  private final DepthPolicy policy;
  private final double[][] map;
  private final double[] bias;
  private final Map<String, double[][]> weights = new HashMap<>();
  private final List<List<double[]>> keys = new ArrayList<>();
  private final List<List<double[]>> values = new ArrayList<>();

  /** Logits of every position. */
  final List<double[]> logits = new ArrayList<>();

  /** Multiply-adds, heads excluded. */
  long macs;

  long cellsRun;
  long attentionSkipped;
  long feedForwardSkipped;

  /**
   * @param map {@code [d, d]} of the policy's block map, or null
   */
  CellOracle(
      ModelConfig config, WeightSource source, DepthPolicy policy, double[][] map, double[] bias) {
    this.config = config;
    this.source = source;
    this.policy = policy;
    this.map = map;
    this.bias = bias;
    for (int i = 0; i < 2 * config.numLayers(); i++) {
      keys.add(new ArrayList<>());
      values.add(new ArrayList<>());
    }
  }

  /** Entries of keys and values; second runs of a layer are above the layers. */
  int kvEntries(int layer) {
    return keys.get(layer).size();
  }

  void run(int[] tokens, RowContext row) {
    for (int t = 0; t < tokens.length; t++) {
      double[] x = weight("model.embed_tokens.weight")[tokens[t]].clone();
      int memory = 0;
      for (int layer = 0; layer < config.numLayers(); layer++) {
        memory = layer(layer, t, x, row, memory);
      }
      double[] normed = MaskedDense.rms(x, weight("model.norm.weight")[0], config);
      logits.add(MaskedDense.times(weight("model.embed_tokens.weight"), normed));
    }
  }

  private int layer(int layer, int position, double[] x, RowContext row, int memory) {
    byte cells =
        policy.schedule() == null ? Cells.LAYER : policy.schedule().cells(layer, position, row);
    boolean attends = Cells.attends(cells);
    boolean feeds = Cells.feeds(cells);
    if (attends) {
      attend(layer, layer, position, x);
    } else if (policy.skip() != null && policy.skip().attention() != null) {
      scale(x, policy.skip().attention()[layer]);
    }
    int next = memory;
    if (feeds && policy.feedForward() != null) {
      feeds = policy.feedForward().runs(layer, position, row, memory);
      if (!feeds) {
        next = policy.feedForward().skipped(layer, memory);
        scale(x, policy.feedForward().factor(layer, row));
      }
    }
    if (feeds) {
      next = feed(layer, position, x, row, memory);
    } else if (policy.skip() != null && policy.skip().feedForward() != null) {
      scale(x, policy.skip().feedForward()[layer]);
    }
    if (cells == Cells.SKIP && map != null && policy.skip().map().layer() == layer) {
      double[] y = MaskedDense.times(map, x);
      for (int i = 0; i < x.length; i++) {
        x[i] = y[i] + bias[i];
      }
      macs += (long) x.length * x.length;
    }
    if (cells == Cells.TWICE) {
      attend(layer, config.numLayers() + layer, position, x);
      feed(layer, position, x, null, 0);
    }
    cellsRun += attends || feeds ? 1 : 0;
    attentionSkipped += !attends && feeds ? 1 : 0;
    feedForwardSkipped += attends && !feeds ? 1 : 0;
    return next;
  }

  private void attend(int layer, int kvLayer, int position, double[] x) {
    String p = "model.layers." + layer + ".";
    double[] n = MaskedDense.rms(x, weight(p + "input_layernorm.weight")[0], config);
    double[] q = MaskedDense.times(weight(p + "self_attn.q_proj.weight"), n);
    double[] k = MaskedDense.times(weight(p + "self_attn.k_proj.weight"), n);
    q = MaskedDense.rotate(q, config, position);
    keys.get(kvLayer).add(MaskedDense.rotate(k, config, position));
    values.get(kvLayer).add(MaskedDense.times(weight(p + "self_attn.v_proj.weight"), n));
    int stored = keys.get(kvLayer).size();
    int d = config.headDim();
    double[] attended = new double[config.queryDim()];
    for (int head = 0; head < config.numHeads(); head++) {
      int kv = head / config.groupSize() * d;
      double[] weight = new double[stored];
      double sum = 0;
      for (int s = 0; s < stored; s++) {
        double dot = 0;
        for (int i = 0; i < d; i++) {
          dot += q[head * d + i] * keys.get(kvLayer).get(s)[kv + i];
        }
        weight[s] = Math.exp(dot / Math.sqrt(d));
        sum += weight[s];
      }
      for (int s = 0; s < stored; s++) {
        for (int i = 0; i < d; i++) {
          attended[head * d + i] += weight[s] / sum * values.get(kvLayer).get(s)[kv + i];
        }
      }
    }
    add(x, MaskedDense.times(weight(p + "self_attn.o_proj.weight"), attended));
    macs += config.attentionMacs() + 2L * stored * config.queryDim();
  }

  private int feed(int layer, int position, double[] x, RowContext row, int memory) {
    double[] before = x.clone();
    MaskedDense.feedForward(config, source, "model.layers." + layer + ".", x);
    macs += config.feedForwardMacs();
    if (row == null
        || policy.feedForward() == null
        || !policy.feedForward().observes(layer, position, row, memory)) {
      return memory;
    }
    macs += 3L * x.length;
    double norm = Math.sqrt(dot(before, before));
    double after = Math.sqrt(dot(x, x));
    float cosine = (float) (dot(before, x) / (norm * after));
    return policy
        .feedForward()
        .observed(layer, position, row, cosine, (float) (after / norm), memory);
  }

  private double[][] weight(String name) {
    return weights.computeIfAbsent(name, key -> MaskedDense.matrix(source, key));
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static void add(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }

  private static void scale(double[] x, double factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factor;
    }
  }
}
