package dev.nightjar.engine.depth;

import java.util.List;
import java.util.TreeSet;

/** All policies users can name. */
final class Policies {
  private static final List<PolicyFactory> ALL =
      List.of(
          new FullFactory(),
          new AutoFactory(),
          new SubsetFactories.Unified(),
          new SubsetFactories.Static(),
          new RandomFactory(),
          new PromptFactories.Pyramid(),
          new PromptFactories.Slim(),
          new PromptFactories.Gem(),
          new TokenRouterFactory(),
          new SkipDecodeFactory(),
          new DepthDecayFactory(),
          new AdaSkipFactory(),
          new FeedForwardSaturationFactory(),
          new DropFactory(),
          new PathFactory(),
          new SublayerRouterFactory(),
          new LinearGatesFactory(),
          new PathRouterFactory(),
          new RowMasksFactory(),
          new DraftFactories.LayerSkip(),
          new DraftFactories.Bandit(),
          new DraftFactories.Chooser(),
          new DraftFactories.Swift(),
          new AdaInferFactory(),
          new StopExitFactory(),
          new ReadingFactory(),
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
