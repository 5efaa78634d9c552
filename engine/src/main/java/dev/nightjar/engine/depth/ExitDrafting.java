package dev.nightjar.engine.depth;

/**
 * Drafts from the first layers, with exit and length chosen anew each round so that most tokens
 * come per unit of work: DEL (Entezari Zarch et al., COLM 2025). The measure is tokens per layer,
 * {@code TPL(E, d) = ((1 - a^(d+1)) / (1 - a)) / cost(E, d)} with the acceptance rate {@code a} of
 * exit E. Rates come from shadow tokens: what the head would have said at each exit of a grid, for
 * the tokens that verification settled; older rounds count less.
 *
 * <p>Departures: the exits are a grid and shadow tokens are taken every few rounds only, because
 * each costs one application of the head; the published cost, {@code d E + L}, is what {@code
 * headCost = rowCost = 0} gives, while a head that costs as much as a layer and a further row of
 * the verification that is not free are what a processor sees; a round of length 0 is among the
 * choices; the limit on the draft's confidence is fixed.
 *
 * @param layers layers of the model
 * @param exits the grid, as numbers of layers run
 * @param maxLength most tokens of a round
 * @param confidence least probability of a token that is verified, 0 for any
 * @param maxRows most generating rows of a step that drafts
 * @param every rounds from one with shadow tokens to the next
 * @param decay weight of what was known, per round that adds to it
 * @param headCost work of the head, in layers
 * @param rowCost work of one more row in a step, as a share of the work of the first
 */
record ExitDrafting(
    int layers,
    int[] exits,
    int maxLength,
    float confidence,
    int maxRows,
    int every,
    double decay,
    double headCost,
    double rowCost)
    implements Drafting {
  private static final double PRIOR_WEIGHT = 2;

  /** Exit and length of a round; the exit is an index in the grid. */
  record Choice(int exit, int length) {}

  @Override
  public Drafter drafter(RowContext row) {
    return new Row();
  }

  /** Expected tokens of a round. */
  static double tokens(double rate, int length) {
    double sum = 0;
    double power = 1;
    for (int i = 0; i <= length; i++) {
      sum += power;
      power *= rate;
    }
    return sum;
  }

  /** Work of a round, in layers. */
  double cost(int exit, int length) {
    double once = layers + headCost;
    double drafts = length * (exit + headCost);
    return once + drafts + length * rowCost * (layers - exit + headCost);
  }

  private DraftPlan[] plans() {
    DraftPlan[] plans = new DraftPlan[exits.length];
    for (int i = 0; i < plans.length; i++) {
      plans[i] = DraftPlan.exit(layers, exits[i]);
    }
    return plans;
  }

  /** What one row has learned. */
  final class Row implements Drafter {
    private final DraftPlan[] plans = plans();
    private final double[] right = new double[exits.length];
    private final double[] seen = new double[exits.length];
    private int round;
    private int exit;
    private int length;
    private boolean watching;

    /** The acceptance rate of an exit; deeper exits are trusted more before anything is known. */
    double rate(int index) {
      double prior = (double) exits[index] / layers;
      return (right[index] + PRIOR_WEIGHT * prior) / (seen[index] + PRIOR_WEIGHT);
    }

    @Override
    public DraftPlan plan() {
      watching = round++ % every == 0;
      length = 0;
      double best = 1 / cost(0, 0);
      for (int e = 0; e < exits.length; e++) {
        for (int d = 1; d <= maxLength; d++) {
          double perLayer = tokens(rate(e), d) / cost(exits[e], d);
          if (perLayer > best) {
            best = perLayer;
            exit = e;
            length = d;
          }
        }
      }
      return length == 0 ? null : plans[exit];
    }

    /** The round's choice. */
    Choice choice() {
      return new Choice(exit, length);
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public float confidence() {
      return confidence;
    }

    @Override
    public int[] watched() {
      return watching ? exits : NONE;
    }

    @Override
    public void verified(int drafted, int accepted) {
      if (!watching && drafted > 0) {
        learn(exit, accepted, Math.min(accepted + 1, drafted));
      }
    }

    @Override
    public void shadowed(int index, int hits, int tokens) {
      learn(index, hits, tokens);
    }

    private void learn(int index, int hits, int tokens) {
      right[index] = decay * right[index] + hits;
      seen[index] = decay * seen[index] + tokens;
    }
  }
}
