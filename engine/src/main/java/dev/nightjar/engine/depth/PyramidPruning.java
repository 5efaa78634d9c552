package dev.nightjar.engine.depth;

import java.util.Arrays;

/**
 * PyramidInfer (Yang et al., ACL Findings 2024, arXiv:2405.12532, section 4, and its code): after
 * every few layers the tokens of the context that the prompt's recent tokens attend to least leave.
 * The context is everything before the recent {@code share + 1} tokens, which never leave; its
 * first tokens are sinks and stay too.
 *
 * <p>As published, a layer keeps {@code floor(context * ratio)} tokens where the ratio falls from 1
 * to a decay by a cosine over the layers, and prunes nothing where that would leave no more than
 * the minimum. Departures: layer 0 (ratio 1) and the last layer (nothing above it) never prune;
 * instead of the falling ratio an equal one per pruning may be asked for, see {@link #even}; and
 * generated tokens are not compressed, they run every layer.
 */
final class PyramidPruning implements PromptPruning {

  /**
   * What both ways have in common.
   *
   * @param recent share of the prompt, counted back from the token before the last, whose attention
   *     counts
   * @param minimum tokens of the context that always stay
   * @param sinks first tokens that always stay
   * @param every layers from one pruning to the next
   * @param nearest weight of the last token's attention; that of the first recent one is 1
   */
  record Options(double recent, int minimum, int sinks, int every, double nearest) {}

  private final Options options;
  private final int layers;

  /**
   * {@code [layers]} share of the live context that stays at a layer; 1 where nothing is pruned.
   */
  private final double[] ratios;

  /** Share of the first context that is left at the end, or 0 for the published way. */
  private final double keep;

  private PyramidPruning(Options options, double[] ratios, double keep) {
    this.options = options;
    this.layers = ratios.length;
    this.ratios = ratios;
    this.keep = keep;
  }

  /** The published way: ratios fall from 1 to {@code decay}. */
  static PyramidPruning cosine(int layers, double decay, Options options) {
    double[] ratios = new double[layers];
    for (int layer = 0; layer < layers; layer++) {
      ratios[layer] = (1 - decay) * (StrictMath.cos(Math.PI * layer / layers) + 1) / 2 + decay;
    }
    return new PyramidPruning(options, ratios, 0);
  }

  /** The same ratio at every pruning, such that {@code keep} of the context is left at the end. */
  static PyramidPruning even(int layers, double keep, Options options) {
    double[] ratios = new double[layers];
    int prunings = (layers - 2) / options.every();
    Arrays.fill(ratios, prunings < 1 ? 1 : StrictMath.pow(keep, 1.0 / prunings));
    return new PyramidPruning(options, ratios, keep);
  }

  @Override
  public boolean prunes(int layer) {
    return layer > 0 && layer < layers - 1 && layer % options.every() == 0 && ratios[layer] < 1;
  }

  @Override
  public int window(int layer, int liveTokens, RowContext row) {
    return 1 + (int) (row.promptTokens() * options.recent());
  }

  @Override
  public float queryWeight(int index, int window) {
    return window == 1 ? 1 : (float) (1 + (options.nearest() - 1) * index / (window - 1));
  }

  @Override
  public void retain(
      int layer, float[] mass, int[] positions, int tokens, RowContext row, boolean[] keeps) {
    int window = window(layer, tokens, row);
    int context = Math.max(0, tokens - window);
    int stay = stay(layer, context, row.promptTokens() - window);
    int sinks = Math.min(options.sinks(), stay);
    Arrays.fill(keeps, 0, sinks, true);
    Arrays.fill(keeps, context, tokens, true);
    Largest.mark(mass, sinks, context, stay - sinks, keeps);
  }

  private int stay(int layer, int context, int firstContext) {
    int minimum = Math.min(options.minimum(), firstContext);
    if (keep == 0) {
      int stay = (int) (context * ratios[layer]);
      return stay > minimum ? stay : context;
    }
    double share = StrictMath.pow(ratios[layer], layer / options.every());
    return Math.min(context, Math.max(minimum, (int) Math.round(firstContext * share)));
  }
}
