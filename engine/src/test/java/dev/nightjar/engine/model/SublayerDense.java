package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Cells;

/**
 * {@link MaskedDense} for decisions about single sublayers and for layers that run twice: a slow
 * forward pass in double precision that computes every position and masks afterwards.
 */
public final class SublayerDense {
  private SublayerDense() {}

  /**
   * Logits of every position.
   *
   * @param cells {@code [tokens][layers]} of {@link Cells}
   * @param projects whether a skipped attention leaves keys and values
   */
  public static double[][] logits(
      ModelConfig config, WeightSource source, int[] tokens, byte[][] cells, boolean projects) {
    double[][] embedding = MaskedDense.matrix(source, "model.embed_tokens.weight");
    double[][] x = new double[tokens.length][];
    for (int t = 0; t < tokens.length; t++) {
      x[t] = embedding[tokens[t]].clone();
    }
    boolean[] attends = new boolean[tokens.length];
    boolean[] feeds = new boolean[tokens.length];
    boolean[] repeats = new boolean[tokens.length];
    for (int layer = 0; layer < config.numLayers(); layer++) {
      for (int t = 0; t < tokens.length; t++) {
        attends[t] = Cells.attends(cells[t][layer]);
        feeds[t] = Cells.feeds(cells[t][layer]);
        repeats[t] = Cells.repeats(cells[t][layer]);
      }
      layer(config, source, layer, x, attends, feeds, projects);
      layer(config, source, layer, x, repeats, repeats, false);
    }
    double[] norm = MaskedDense.vector(source, "model.norm.weight");
    double[][] out = new double[tokens.length][];
    for (int t = 0; t < tokens.length; t++) {
      out[t] = MaskedDense.times(embedding, MaskedDense.rms(x[t], norm, config));
    }
    return out;
  }

  private static void layer(
      ModelConfig c,
      WeightSource source,
      int layer,
      double[][] x,
      boolean[] attends,
      boolean[] feeds,
      boolean allStored) {
    String p = "model.layers." + layer + ".";
    double[][] wq = MaskedDense.matrix(source, p + "self_attn.q_proj.weight");
    double[][] wk = MaskedDense.matrix(source, p + "self_attn.k_proj.weight");
    double[][] wv = MaskedDense.matrix(source, p + "self_attn.v_proj.weight");
    double[][] wo = MaskedDense.matrix(source, p + "self_attn.o_proj.weight");
    double[] norm = MaskedDense.vector(source, p + "input_layernorm.weight");
    double[][] q = new double[x.length][];
    double[][] k = new double[x.length][];
    double[][] v = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      double[] n = MaskedDense.rms(x[t], norm, c);
      q[t] = MaskedDense.rotate(MaskedDense.times(wq, n), c, t);
      k[t] = MaskedDense.rotate(MaskedDense.times(wk, n), c, t);
      v[t] = MaskedDense.times(wv, n);
    }
    for (int t = 0; t < x.length; t++) {
      if (attends[t]) {
        double[] attended = attend(c, t, q[t], k, v, attends, allStored);
        double[] projected = MaskedDense.times(wo, attended);
        for (int i = 0; i < projected.length; i++) {
          x[t][i] += projected[i];
        }
      }
      if (feeds[t]) {
        MaskedDense.feedForward(c, source, p, x[t]);
      }
    }
  }

  private static double[] attend(
      ModelConfig c,
      int t,
      double[] q,
      double[][] k,
      double[][] v,
      boolean[] stored,
      boolean allStored) {
    double[] out = new double[c.queryDim()];
    for (int h = 0; h < c.numHeads(); h++) {
      int from = h * c.headDim();
      int kv = h / c.groupSize() * c.headDim();
      double[] weight = new double[t + 1];
      double sum = 0;
      for (int s = 0; s <= t; s++) {
        double dot = 0;
        for (int i = 0; i < c.headDim(); i++) {
          dot += q[from + i] * k[s][kv + i];
        }
        weight[s] = stored[s] || allStored ? Math.exp(dot / Math.sqrt(c.headDim())) : 0;
        sum += weight[s];
      }
      for (int s = 0; s <= t; s++) {
        for (int i = 0; i < c.headDim(); i++) {
          out[from + i] += weight[s] / sum * v[s][kv + i];
        }
      }
    }
    return out;
  }
}
