package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.PackedMatrix;
import java.util.BitSet;

/**
 * Lets generated tokens leave before the last layer.
 *
 * @param layers exits, as numbers of layers run below the head
 * @param confidence what is measured there
 * @param thresholds {@code [layers + 1]} by number of layers run
 * @param decay how thresholds fall over a row, or null
 * @param head how the head is applied at an exit
 * @param keysValues what the layers above keep of a token that left
 * @param prompt whether the last prompt token may leave too, and its whole prompt with it; such
 *     rows are prefilled in one piece
 */
public record EarlyExit(
    BitSet layers,
    Confidence confidence,
    float[] thresholds,
    Decay decay,
    ExitHead head,
    KeysValues keysValues,
    boolean prompt) {

  /**
   * CALM's threshold over a row: {@code 0.9 t + 0.1 t exp(-tau i / n)} for generated token i
   * (arXiv:2207.07061, equation 5).
   */
  public record Decay(float tau, int length) {}

  /**
   * How the head is applied at an exit.
   *
   * @param lenses {@code [layers + 1]} maps from the residual here to the last one, applied before
   *     the final norm; null where there is none
   * @param vocabulary size of the vocabulary that is left after a token's first probe; 0 for all
   */
  public record ExitHead(Lens[] lenses, int vocabulary) {
    /** The model's own head, unchanged. */
    public static final ExitHead PLAIN = new ExitHead(null, 0);

    /** The lens of an exit, or null. */
    public Lens lens(int layersRun) {
      return lenses == null ? null : lenses[layersRun];
    }
  }

  /**
   * A linear map of the residual, {@code y = W x + b}.
   *
   * @param weight {@code [d, d]}
   * @param bias {@code [d]}
   */
  public record Lens(PackedMatrix weight, float[] bias) {}

  /**
   * What the layers above keep of a token that left.
   *
   * @param deferred false: keys and values computed from the residual it left with (state
   *     propagation, CALM). True: nothing until a later token of the row goes on, which takes those
   *     that left along (key/value recomputation, EE-LLM, arXiv:2312.04916)
   * @param limit most tokens that wait; the next one must run every layer
   */
  public record KeysValues(boolean deferred, int limit) {
    /** State propagation. */
    public static final KeysValues PROJECT = new KeysValues(false, 0);
  }

  public EarlyExit {
    layers = (BitSet) layers.clone();
    thresholds = thresholds.clone();
  }

  /** Whether tokens may leave after this many layers. */
  public boolean probes(int layersRun) {
    return layers.get(layersRun);
  }

  /** What to do with generated token {@code index} of a row. */
  public Confidence.Verdict judge(Evidence evidence, int layersRun, int index) {
    float threshold = thresholds[layersRun];
    if (decay != null) {
      float fall = (float) StrictMath.exp(-decay.tau() * index / decay.length());
      threshold = 0.9f * threshold + 0.1f * threshold * fall;
    }
    return confidence.judge(evidence, layersRun, threshold);
  }
}
