package dev.nightjar.engine.depth;

/**
 * What an exit rule is shown of one token after some layers. Only what {@link Confidence} asked for
 * is set. Reused; confined to one decoder.
 */
public final class Evidence {
  /** Largest probability of the head applied here. */
  public float top1;

  /** Second largest. */
  public float top2;

  /** Entropy of the head's distribution in nats. */
  public float entropy;

  /** Cosine of the residuals before and after the layer just run. */
  public float cosine;

  /** {@code [hiddenSize]} residual, from {@link #offset} on; read only. */
  public float[] residual;

  /** Where the residual starts. */
  public int offset;

  /** {@code sum_i w[row, i] * residual[i]} in index order with fma; {@code w} is row-major. */
  float dot(float[] w, int row, int hiddenSize) {
    float sum = 0;
    int from = row * hiddenSize;
    for (int i = 0; i < hiddenSize; i++) {
      sum = Math.fma(w[from + i], residual[offset + i], sum);
    }
    return sum;
  }
}
