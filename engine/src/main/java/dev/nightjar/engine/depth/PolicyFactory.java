package dev.nightjar.engine.depth;

import java.util.Set;

/** Makes one kind of policy from its specification; listed in {@link Policies}. */
interface PolicyFactory {
  /** The name users write. */
  String name();

  /** The options users may give. */
  Set<String> options();

  /** The policy for one model. */
  Depth create(PolicySpec spec, PolicyContext context);
}
