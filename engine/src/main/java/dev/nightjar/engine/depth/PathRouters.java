package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;

/**
 * Dr.LLM (Heakl et al., ICLR 2026): one router per layer decides for the whole sequence whether the
 * layer is skipped, runs or runs twice, from means over windows of the prompt's residuals that
 * enter it. The prompt is cut into {@code W = min(8, n)} windows of {@code n / W} tokens, the rest
 * is left out; a router scores every window's mean, and the class with the largest mean score wins.
 *
 * <p>The published code decides anew in every forward call, from one token when it generates, and
 * for a batch by its first row. Here every row decides for itself, once, on its prompt, and keeps
 * the path. A second run has keys and values of its own; a skipped layer has none for the row.
 */
final class PathRouters implements RowPlanner {
  static final int SKIP = 0;
  static final int EXECUTE = 1;
  static final int REPEAT = 2;
  private static final int CLASSES = 3;
  private static final int MAX_WINDOWS = 8;

  /** {@code sqrt(2 / pi)}, of the tanh form of GELU (arXiv:1606.08415, section 2). */
  private static final float GELU_SCALE = 0.7978845608f;

  private static final float GELU_CUBIC = 0.044715f;

  /** One layer's router: {@code Linear(d -> h)}, GELU, {@code Linear(h -> 3)}. */
  record Router(Linear first, Linear second) {}

  /**
   * A shift of all decisions towards one class, for a budget: class probabilities are mixed with
   * that class, {@code p <- (1 - weight) p + weight [class]}.
   *
   * @param target one of the classes
   * @param weight in [0, 1]; 0 leaves the routers alone
   */
  record Bias(int target, float weight) {
    static final Bias NONE = new Bias(EXECUTE, 0);

    /**
     * The budget knob in [-1, 1]: up to -0.5 towards skipping, up to 0.5 towards running once,
     * above towards running twice, as published. How much is our choice, which makes the knob
     * continuous: everything at -1, 0 and 1, nothing at -0.5 and 0.5.
     */
    static Bias of(double knob) {
      float weight = (float) Math.abs(1 - 2 * Math.abs(knob));
      return new Bias(knob <= -0.5 ? SKIP : knob <= 0.5 ? EXECUTE : REPEAT, weight);
    }
  }

  private final Kernels kernels;
  private final Router[] routers;
  private final int hiddenSize;
  private final boolean repeats;
  private final Bias bias;

  /**
   * @param routers {@code [layers]}; null where the layer always runs
   * @param repeats whether layers may run twice; they run once instead otherwise
   */
  PathRouters(Kernels kernels, Router[] routers, int hiddenSize, boolean repeats, Bias bias) {
    this.kernels = kernels;
    this.routers = routers.clone();
    this.hiddenSize = hiddenSize;
    this.repeats = repeats;
    this.bias = bias;
  }

  @Override
  public boolean plans(int layer) {
    return routers[layer] != null;
  }

  @Override
  public boolean repeats() {
    return repeats;
  }

  /** One for every number that enters a mean, and the router once per window. */
  @Override
  public long macs(int layer, int promptTokens) {
    int windows = Math.min(MAX_WINDOWS, promptTokens);
    long summed = (long) windows * (promptTokens / windows) * hiddenSize;
    return summed + windows * (routers[layer].first().macs() + routers[layer].second().macs());
  }

  @Override
  public void plan(int layer, float[] x, RowContext row, GateScratch scratch) {
    Router router = routers[layer];
    int windows = Math.min(MAX_WINDOWS, row.promptTokens());
    int h = router.first().outputs();
    scratch.ensure(MAX_WINDOWS, Math.max(hiddenSize, h));
    means(x, windows, row.promptTokens() / windows, scratch.hidden);
    router.first().apply(kernels, scratch.hidden, windows, scratch.normed, scratch.matmul);
    for (int i = 0; i < windows * h; i++) {
      scratch.normed[i] = gelu(scratch.normed[i]);
    }
    router.second().apply(kernels, scratch.normed, windows, scratch.scores, scratch.matmul);
    float[] logits = scratch.scores;
    for (int window = 1; window < windows; window++) {
      kernels.add(logits, 0, logits, window * CLASSES, CLASSES);
    }
    for (int i = 0; i < CLASSES; i++) {
      logits[i] /= windows;
    }
    row.plan(routers.length)[layer] =
        switch (choose(logits)) {
          case SKIP -> Cells.SKIP;
          case REPEAT -> repeats ? Cells.TWICE : Cells.LAYER;
          default -> Cells.LAYER;
        };
  }

  /** Means of the first {@code windows * width} rows of x, one per window. */
  private void means(float[] x, int windows, int width, float[] out) {
    for (int window = 0; window < windows; window++) {
      int offset = window * hiddenSize;
      System.arraycopy(x, offset * width, out, offset, hiddenSize);
      for (int i = 1; i < width; i++) {
        kernels.add(out, offset, x, (window * width + i) * hiddenSize, hiddenSize);
      }
      for (int i = offset; i < offset + hiddenSize; i++) {
        out[i] /= width;
      }
    }
  }

  /** The class of three mean scores; overwrites them. Running once wins ties. */
  private int choose(float[] logits) {
    if (bias.weight() > 0) {
      float max = Math.max(logits[0], Math.max(logits[1], logits[2]));
      float sum = 0;
      for (int i = 0; i < CLASSES; i++) {
        logits[i] = Kernels.exp(logits[i] - max);
        sum += logits[i];
      }
      for (int i = 0; i < CLASSES; i++) {
        logits[i] *= (1 - bias.weight()) / sum;
      }
      logits[bias.target()] += bias.weight();
    }
    int best = logits[SKIP] > logits[EXECUTE] ? SKIP : EXECUTE;
    return logits[REPEAT] > logits[best] ? REPEAT : best;
  }

  /**
   * GELU in its tanh form, {@code x/2 (1 + tanh u)} with {@code u = sqrt(2/pi) (x + 0.044715 x^3)},
   * written as {@code x / (1 + exp(-2u))}, which is the same function.
   */
  static float gelu(float x) {
    float u = GELU_SCALE * (x + GELU_CUBIC * x * x * x);
    return x / (1 + Kernels.exp(-2 * u));
  }
}
