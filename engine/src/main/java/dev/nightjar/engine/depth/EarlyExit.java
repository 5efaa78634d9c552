package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.PackedMatrix;
import java.util.BitSet;

/**
 * Lets tokens leave before the last layer.
 *
 * @param layers exits, as numbers of layers run below the head
 * @param confidence what is measured there
 * @param thresholds {@code [layers + 1]} by number of layers run
 * @param decay how thresholds fall over a row, or null
 * @param head how the head is applied at an exit
 * @param keysValues what the layers above keep of a token that left
 * @param prompt false: generated tokens may leave. True: only the last prompt token may, with its
 *     whole prompt, of rows that generate one token; nothing of them is needed above, and they are
 *     prefilled in one piece. Other rows run every layer
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
   * CALM's threshold over a row: {@code 0.9 t + 0.1 t exp(-tau i / n)} for generated token i,
   * counted from 0 (arXiv:2207.07061, equation 5).
   *
   * @param length n; 0 for the most tokens that the row may generate
   */
  public record Decay(float tau, int length) {}

  /**
   * How the head is applied at an exit.
   *
   * @param lenses {@code [layers + 1]} maps from the residual here to the last one, applied before
   *     the final norm; null where there is none
   * @param vocabulary size of the vocabulary that is left after a token's first probe; 0 for all.
   *     Later probes see the soft-max over these tokens alone, and the logits of a token that
   *     leaves there are negative infinity for all others
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

  /** Whether an exit lies below this one. */
  public boolean probesBelow(int layersRun) {
    return layers.previousSetBit(layersRun - 1) >= 0;
  }

  /** Whether an exit lies above this one. */
  public boolean probesAbove(int layersRun) {
    return layers.nextSetBit(layersRun + 1) >= 0;
  }

  /**
   * What to do with a token.
   *
   * @param index which generated token of the row is decided, from 0
   */
  public Confidence.Verdict judge(Evidence evidence, int layersRun, RowContext row, int index) {
    float threshold = thresholds[layersRun];
    if (decay != null) {
      int length = decay.length() > 0 ? decay.length() : row.maxTokens();
      float fall = (float) StrictMath.exp((double) -decay.tau() * index / length);
      threshold = 0.9f * threshold + 0.1f * threshold * fall;
    }
    return confidence.judge(evidence, layersRun, threshold);
  }
}
