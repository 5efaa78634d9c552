package dev.nightjar.engine.depth;

import java.util.List;
import java.util.TreeSet;

/** All policies users can name. */
final class Policies {
  private static final List<PolicyFactory> ALL =
      List.of(
          new FullFactory(),
          new SubsetFactories.Unified(),
          new SubsetFactories.Static(),
          new RandomFactory(),
          new TokenRouterFactory(),
          new ExitFactory());

  private Policies() {}

  /** The factory of a name, or null. */
  static PolicyFactory find(String name) {
    for (PolicyFactory factory : ALL) {
      if (factory.name().equals(name)) {
        return factory;
      }
    }
    return null;
  }

  /** All names in alphabetical order. */
  static TreeSet<String> names() {
    TreeSet<String> names = new TreeSet<>();
    for (PolicyFactory factory : ALL) {
      names.add(factory.name());
    }
    return names;
  }
}
