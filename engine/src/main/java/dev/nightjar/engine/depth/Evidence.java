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
}
