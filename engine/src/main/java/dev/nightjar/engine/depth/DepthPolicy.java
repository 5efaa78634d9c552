package dev.nightjar.engine.depth;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;

/**
 * Decides, per slot (one token at one position) and layer, what runs: a set of parts, each of which
 * may be absent, and an absent part costs nothing. A decision depends only on the row itself (its
 * key, positions and hidden states), never on the other rows of a batch.
 *
 * <p>Where several parts speak about a sublayer, it runs if all of them say so. Immutable and safe
 * for concurrent use.
 *
 * @param spec the specification it was made from, as stored with results
 * @param schedule decides by position, or null
 * @param gate decides from residuals, or null
 * @param planner decides once per row, or null
 * @param feedForward decides about feed-forward sublayers, or null
 * @param pruning drops prompt tokens, or null
 * @param exit lets generated tokens leave, or null
 * @param skip what replaces skipped sublayers, or null
 * @param projects whether a skipped attention keeps keys and values computed from the residual that
 *     passed by; otherwise it keeps none
 * @param drafting drafts tokens with part of the model, or null; it stands alone
 * @param filter shortens prompts before they are read, or null
 * @param reading decides rows with labels before all of their prompt is read, or null
 */
public record DepthPolicy(
    String spec,
    Schedule schedule,
    Gate gate,
    RowPlanner planner,
    FeedForwardRule feedForward,
    PromptPruning pruning,
    EarlyExit exit,
    SkipOperation skip,
    boolean projects,
    Drafting drafting,
    PromptFilter filter,
    Reading reading) {

  /** Every layer for every token; parts are added to it. */
  public static DepthPolicy named(String spec) {
    return new DepthPolicy(spec, null, null, null, null, null, null, null, false, null, null, null);
  }

  /** The dense model. */
  public static DepthPolicy full() {
    return named("full");
  }

  /** This policy with a schedule. */
  public DepthPolicy with(Schedule part) {
    return new DepthPolicy(
        spec,
        part,
        gate,
        planner,
        feedForward,
        pruning,
        exit,
        skip,
        projects,
        drafting,
        filter,
        reading);
  }

  /** This policy with a gate. */
  public DepthPolicy with(Gate part) {
    return new DepthPolicy(
        spec,
        schedule,
        part,
        planner,
        feedForward,
        pruning,
        exit,
        skip,
        projects,
        drafting,
        filter,
        reading);
  }

  /** This policy with a planner. */
  public DepthPolicy with(RowPlanner part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        part,
        feedForward,
        pruning,
        exit,
        skip,
        projects,
        drafting,
        filter,
        reading);
  }

  /** This policy with a rule for feed-forward sublayers. */
  public DepthPolicy with(FeedForwardRule part) {
    return new DepthPolicy(
        spec, schedule, gate, planner, part, pruning, exit, skip, projects, drafting, filter,
        reading);
  }

  /** This policy with a pruning of prompts. */
  public DepthPolicy with(PromptPruning part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        part,
        exit,
        skip,
        projects,
        drafting,
        filter,
        reading);
  }

  /** This policy with exits. */
  public DepthPolicy with(EarlyExit part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        pruning,
        part,
        skip,
        projects,
        drafting,
        filter,
        reading);
  }

  /** This policy with a replacement for skipped sublayers. */
  public DepthPolicy with(SkipOperation part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        pruning,
        exit,
        part,
        projects,
        drafting,
        filter,
        reading);
  }

  /** This policy with drafts. */
  public DepthPolicy with(Drafting part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        pruning,
        exit,
        skip,
        projects,
        part,
        filter,
        reading);
  }

  /** This policy with a filter of prompts. */
  public DepthPolicy with(PromptFilter part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        pruning,
        exit,
        skip,
        projects,
        drafting,
        part,
        reading);
  }

  /** This policy with a reading of prompts. */
  public DepthPolicy with(Reading part) {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        pruning,
        exit,
        skip,
        projects,
        drafting,
        filter,
        part);
  }

  /** This policy with keys and values of skipped attentions computed from what passed by. */
  public DepthPolicy projecting() {
    return new DepthPolicy(
        spec,
        schedule,
        gate,
        planner,
        feedForward,
        pruning,
        exit,
        skip,
        true,
        drafting,
        filter,
        reading);
  }

  /** Whether a prompt must be computed in one piece. */
  public boolean wholePrompt() {
    return planner != null
        || pruning != null
        || filter != null
        || reading != null
        || (exit != null && exit.prompt());
  }

  /**
   * Whether what is computed for a prompt token depends on the tokens before it alone, so that rows
   * whose prompts begin alike can share it.
   */
  public boolean sharesPrefixes() {
    return !wholePrompt() && (schedule == null || !schedule.dependsOnRow());
  }

  /** Whether layers may run twice. */
  public boolean repeats() {
    return (schedule != null && schedule.repeats()) || (planner != null && planner.repeats());
  }

  /**
   * Both policies at once.
   *
   * @throws EngineException when both bring the same part, or one of them drafts
   */
  public DepthPolicy and(DepthPolicy other) {
    String both = spec + "+" + other.spec;
    if (drafting != null || other.drafting != null) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth \"" + both + "\": a policy that drafts for the dense model must stand alone");
    }
    if ((filter != null || other.filter != null) && (pruning != null || other.pruning != null)) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth \"" + both + "\": a filter and a pruning of prompts; expected one of them");
    }
    if (reading != null || other.reading != null) {
      checkReading(both, this);
      checkReading(both, other);
    }
    return new DepthPolicy(
        both,
        one(both, "schedule", schedule, other.schedule),
        one(both, "gate", gate, other.gate),
        one(both, "planner", planner, other.planner),
        one(both, "feed-forward rule", feedForward, other.feedForward),
        one(both, "pruning", pruning, other.pruning),
        one(both, "exit", exit, other.exit),
        one(both, "skip operation", skip, other.skip),
        projects || other.projects,
        null,
        one(both, "filter", filter, other.filter),
        one(both, "reading", reading, other.reading));
  }

  /** A reading goes over a prompt piece by piece, so nothing else may want it whole or leave it. */
  private static void checkReading(String both, DepthPolicy policy) {
    if (policy.exit != null
        || policy.planner != null
        || policy.pruning != null
        || policy.filter != null) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth \""
              + both
              + "\": 2d goes together with schedules, gates and feed-forward rules only, but \""
              + policy.spec
              + "\" looks at whole prompts or lets tokens leave");
    }
  }

  private static <T> T one(String spec, String part, T a, T b) {
    if (a != null && b != null) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth \"" + spec + "\": both policies bring a " + part + "; expected one of them to");
    }
    return a != null ? a : b;
  }
}
