package dev.nightjar.engine.depth;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.kernel.Kernels;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * A policy ready to run on one model.
 *
 * @param policy what decides
 * @param updates the weight updates that were trained with it
 */
public record Depth(DepthPolicy policy, LowRankUpdates updates) {

  /**
   * What a policy must know of its model.
   *
   * @param headSizes widths of the query and of the key/value projections, in this order
   * @param artefacts folder that may hold artefacts by policy name
   * @param weightsSha256 SHA-256 of the weights file, computed when an artefact asks
   */
  public record ModelFacts(
      int layers,
      int hiddenSize,
      int[] headSizes,
      Path artefacts,
      Supplier<String> weightsSha256) {}

  /** Makes the policy of a specification; {@code arena} holds its matrices. */
  public static Depth of(DepthSpec spec, ModelFacts model, Kernels kernels, Arena arena) {
    PolicyContext context = new PolicyContext(model, kernels, arena);
    Depth depth = null;
    for (PolicySpec policy : spec.policies()) {
      Depth next = Policies.find(policy.name()).create(policy, context);
      depth = depth == null ? next : depth.and(next);
    }
    return depth;
  }

  /** A policy without weight updates. */
  static Depth of(DepthPolicy policy, PolicyContext context) {
    return new Depth(policy, LowRankUpdates.none(context.model().layers()));
  }

  private Depth and(Depth other) {
    if (!updates.isEmpty() && !other.updates.isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth \""
              + policy.spec()
              + "\" and \""
              + other.policy.spec()
              + "\" both change the model's weights; expected one of them to");
    }
    return new Depth(policy.and(other.policy), updates.isEmpty() ? other.updates : updates);
  }
}
