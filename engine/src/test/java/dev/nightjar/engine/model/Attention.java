package dev.nightjar.engine.model;

import dev.nightjar.engine.tensor.Tensor;

/**
 * Queries and keys of the first layer in double precision, written from the definition: the
 * reference for what prompt tokens are worth.
 */
final class Attention {
  private Attention() {}

  /** {@code [heads][tokens]} attention of the last token in the first layer. */
  static double[][] weights(ModelConfig config, WeightSource source, int[] tokens) {
    double[][] out = products(config, source, tokens);
    for (double[] head : out) {
      double sum = 0;
      for (int t = 0; t < head.length; t++) {
        head[t] = Math.exp(head[t] / Math.sqrt(config.headDim()));
        sum += head[t];
      }
      for (int t = 0; t < head.length; t++) {
        head[t] /= sum;
      }
    }
    return out;
  }

  /** {@code [heads][tokens]} inner products of the last token's query with the keys. */
  static double[][] products(ModelConfig config, WeightSource source, int[] tokens) {
    int d = config.headDim();
    double[] q = projected(config, source, tokens, tokens.length - 1, "q_proj");
    double[][] out = new double[config.numHeads()][tokens.length];
    for (int t = 0; t < tokens.length; t++) {
      double[] k = projected(config, source, tokens, t, "k_proj");
      for (int head = 0; head < out.length; head++) {
        for (int i = 0; i < d; i++) {
          out[head][t] += q[head * d + i] * k[head / config.groupSize() * d + i];
        }
      }
    }
    return out;
  }

  private static double[] projected(
      ModelConfig config, WeightSource source, int[] tokens, int position, String name) {
    String layer = "model.layers.0.";
    int c = config.hiddenSize();
    float[] x = row(source, "model.embed_tokens.weight", tokens[position]);
    float[] norm = row(source, layer + "input_layernorm.weight", 0);
    double squares = 0;
    for (float value : x) {
      squares += (double) value * value;
    }
    double scale = 1 / Math.sqrt(squares / c + config.rmsNormEps());
    int rows = source.find(layer + "self_attn." + name + ".weight").orElseThrow().rows();
    double[] out = new double[rows];
    for (int r = 0; r < rows; r++) {
      float[] w = row(source, layer + "self_attn." + name + ".weight", r);
      for (int i = 0; i < c; i++) {
        out[r] += w[i] * x[i] * scale * norm[i];
      }
    }
    rotate(config, out, position);
    return out;
  }

  private static void rotate(ModelConfig config, double[] heads, int position) {
    int half = config.headDim() / 2;
    for (int base = 0; base < heads.length; base += config.headDim()) {
      for (int i = 0; i < half; i++) {
        double angle = position / Math.pow(config.rope().theta(), 2.0 * i / config.headDim());
        double a = heads[base + i];
        double b = heads[base + half + i];
        heads[base + i] = a * Math.cos(angle) - b * Math.sin(angle);
        heads[base + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }

  private static float[] row(WeightSource source, String name, int row) {
    Tensor tensor = source.find(name).orElseThrow();
    float[] out = new float[tensor.columns()];
    tensor.readRow(row, out, 0);
    return out;
  }
}
