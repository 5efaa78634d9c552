package dev.nightjar.engine.model;

import dev.nightjar.engine.tensor.Tensor;
import java.util.BitSet;
import java.util.List;

/**
 * A slow, plain forward pass in double precision that computes every position and masks what a slot
 * did not run: the reference for packed keys and values. Written from the definition, sharing no
 * code with the engine.
 */
final class MaskedDense {
  private MaskedDense() {}

  static double[][] logits(
      ModelConfig config, WeightSource source, int[] tokens, List<BitSet> ran) {
    double[][] x = new double[tokens.length][];
    double[][] embedding = matrix(source, "model.embed_tokens.weight");
    for (int t = 0; t < tokens.length; t++) {
      x[t] = embedding[tokens[t]].clone();
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      layer(config, source, layer, x, ran);
    }
    double[][] out = new double[tokens.length][];
    double[] norm = vector(source, "model.norm.weight");
    for (int t = 0; t < tokens.length; t++) {
      out[t] = times(embedding, rms(x[t], norm, config));
    }
    return out;
  }

  private static void layer(
      ModelConfig c, WeightSource source, int layer, double[][] x, List<BitSet> ran) {
    String p = "model.layers." + layer + ".";
    double[][] wq = matrix(source, p + "self_attn.q_proj.weight");
    double[][] wk = matrix(source, p + "self_attn.k_proj.weight");
    double[][] wv = matrix(source, p + "self_attn.v_proj.weight");
    double[][] wo = matrix(source, p + "self_attn.o_proj.weight");
    double[] n1 = vector(source, p + "input_layernorm.weight");
    int length = x.length;
    double[][] q = new double[length][];
    double[][] k = new double[length][];
    double[][] v = new double[length][];
    for (int t = 0; t < length; t++) {
      double[] n = rms(x[t], n1, c);
      q[t] = rotate(times(wq, n), c, t);
      k[t] = rotate(times(wk, n), c, t);
      v[t] = times(wv, n);
    }
    for (int t = 0; t < length; t++) {
      if (!ran.get(t).get(layer)) {
        continue;
      }
      double[] attended = new double[c.queryDim()];
      for (int h = 0; h < c.numHeads(); h++) {
        int kv = h / c.groupSize();
        double[] weight = new double[t + 1];
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          double dot = 0;
          for (int i = 0; i < c.headDim(); i++) {
            dot += q[t][h * c.headDim() + i] * k[s][kv * c.headDim() + i];
          }
          weight[s] = ran.get(s).get(layer) ? Math.exp(dot / Math.sqrt(c.headDim())) : 0;
          sum += weight[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int i = 0; i < c.headDim(); i++) {
            attended[h * c.headDim() + i] += weight[s] / sum * v[s][kv * c.headDim() + i];
          }
        }
      }
      double[] projected = times(wo, attended);
      for (int i = 0; i < projected.length; i++) {
        x[t][i] += projected[i];
      }
      feedForward(c, source, p, x[t]);
    }
  }

  static void feedForward(ModelConfig c, WeightSource source, String p, double[] x) {
    double[] n = rms(x, vector(source, p + "post_attention_layernorm.weight"), c);
    double[] gate = times(matrix(source, p + "mlp.gate_proj.weight"), n);
    double[] up = times(matrix(source, p + "mlp.up_proj.weight"), n);
    for (int i = 0; i < gate.length; i++) {
      gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
    }
    double[] down = times(matrix(source, p + "mlp.down_proj.weight"), gate);
    for (int i = 0; i < x.length; i++) {
      x[i] += down[i];
    }
  }

  static double[] rotate(double[] x, ModelConfig c, int position) {
    int half = c.headDim() / 2;
    double[] out = new double[x.length];
    for (int base = 0; base < x.length; base += c.headDim()) {
      for (int i = 0; i < half; i++) {
        double angle = position / Math.pow(c.rope().theta(), 2.0 * i / c.headDim());
        double a = x[base + i];
        double b = x[base + half + i];
        out[base + i] = a * Math.cos(angle) - b * Math.sin(angle);
        out[base + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
    return out;
  }

  static double[] rms(double[] x, double[] weight, ModelConfig c) {
    double sum = 0;
    for (double value : x) {
      sum += value * value;
    }
    double scale = 1 / Math.sqrt(sum / x.length + c.rmsNormEps());
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] = x[i] * scale * weight[i];
    }
    return out;
  }

  static double[] times(double[][] w, double[] x) {
    double[] out = new double[w.length];
    for (int r = 0; r < w.length; r++) {
      for (int i = 0; i < x.length; i++) {
        out[r] += w[r][i] * x[i];
      }
    }
    return out;
  }

  static double[] vector(WeightSource source, String name) {
    return matrix(source, name)[0];
  }

  static double[][] matrix(WeightSource source, String name) {
    Tensor tensor = source.find(name).orElseThrow();
    double[][] out = new double[tensor.rows()][tensor.columns()];
    float[] row = new float[tensor.columns()];
    for (int r = 0; r < out.length; r++) {
      tensor.readRow(r, row, 0);
      for (int i = 0; i < row.length; i++) {
        out[r][i] = row[i];
      }
    }
    return out;
  }
}
