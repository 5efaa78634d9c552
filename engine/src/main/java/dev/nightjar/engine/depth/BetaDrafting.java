package dev.nightjar.engine.depth;

/**
 * Drafts from the first layers for as long as Thompson sampling says so: the controller of EESD
 * (Liu et al., Findings of ACL 2024). A row keeps a Beta distribution of the chance that a drafted
 * token is right; after each token it draws a chance from it and goes on with that chance. Every
 * right token counts for, every round that ended in a wrong one against.
 *
 * <p>Departure: the draft is the model's own first layers and head, without the trained layer of
 * the paper. The draws are seeded with the row's hash.
 *
 * @param plan what drafts
 * @param maxLength most tokens of a round
 * @param confidence least probability of a token that is verified, 0 for any
 * @param maxRows most generating rows of a step that drafts
 * @param right tokens that count as right before anything is known, at least 1
 * @param wrong tokens that count as wrong before anything is known, at least 1
 */
record BetaDrafting(
    DraftPlan plan, int maxLength, float confidence, int maxRows, double right, double wrong)
    implements Drafting {

  @Override
  public Drafter drafter(RowContext row) {
    return new Row(row.hash());
  }

  /** What one row has learned. */
  final class Row implements Drafter {
    private double a = right;
    private double b = wrong;
    private long state;

    Row(long seed) {
      this.state = Hashing.mix(seed ^ 0x4545_5344L);
    }

    @Override
    public DraftPlan plan() {
      return plan;
    }

    @Override
    public int length() {
      return maxLength;
    }

    @Override
    public float confidence() {
      return confidence;
    }

    @Override
    public boolean goesOn() {
      double x = gamma(a);
      double chance = x / (x + gamma(b));
      return uniform() < chance;
    }

    @Override
    public void verified(int drafted, int accepted) {
      a += accepted;
      b += accepted < drafted ? 1 : 0;
    }

    /** A draw from Gamma(shape, 1), shape at least 1 (Marsaglia and Tsang, ACM TOMS 2000). */
    private double gamma(double shape) {
      double d = shape - 1.0 / 3;
      double c = 1 / StrictMath.sqrt(9 * d);
      while (true) {
        double x = normal();
        double v = 1 + c * x;
        v = v * v * v;
        double limit = 0.5 * x * x + d - d * v;
        if (v > 0 && StrictMath.log(uniform()) < limit + d * StrictMath.log(v)) {
          return d * v;
        }
      }
    }

    /** Box and Muller. */
    private double normal() {
      double radius = StrictMath.sqrt(-2 * StrictMath.log(uniform()));
      return radius * StrictMath.cos(2 * Math.PI * uniform());
    }

    /** In (0, 1). */
    private double uniform() {
      state += 0x9E3779B97F4A7C15L;
      return ((Hashing.mix(state) >>> 12) + 0.5) * 0x1.0p-52;
    }
  }
}
