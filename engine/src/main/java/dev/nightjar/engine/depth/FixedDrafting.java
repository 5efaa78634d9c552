package dev.nightjar.engine.depth;

/**
 * The same draft in every round: the first layers of the model (LayerSkip, Elhoushi et al., ACL
 * 2024, section 3.3) or the model without some of its sublayers (SWIFT, Xia et al., ICLR 2025).
 *
 * @param plan what drafts
 * @param length most tokens of a round
 * @param confidence least probability of a token that is verified, 0 for any
 * @param maxRows most generating rows of a step that drafts
 */
record FixedDrafting(DraftPlan plan, int length, float confidence, int maxRows)
    implements Drafting, Drafter {

  @Override
  public int maxLength() {
    return length;
  }

  @Override
  public Drafter drafter(RowContext row) {
    return this;
  }
}
