package dev.nightjar.job.evaluate;

import dev.nightjar.engine.depth.DepthSpec;
import java.util.List;

/**
 * One depth spec of an evaluation.
 *
 * @param text the canonical text
 * @param baselineOf specs whose executed operations this one matches; empty when it is none
 * @param asked whether the user named it, or it was added for comparison
 */
record PlannedSpec(String text, List<String> baselineOf, boolean asked) {
  /** The dense model. */
  static final String DENSE = "full";

  /** What a plot and a table call a family of specs. */
  enum Family {
    /** Every layer for every token. */
    DENSE("dense"),
    /** Depth decided per token, row or step. */
    ADAPTIVE("adaptive"),
    /** A fixed set of layers that the user chose. */
    STATIC("static"),
    /** Evenly spaced layers. */
    UNIFIED("unified"),
    /** Random layers per token. */
    RANDOM("random");

    private final String label;

    Family(String label) {
      this.label = label;
    }

    /** The word for people and JSON. */
    String label() {
      return label;
    }
  }

  PlannedSpec {
    baselineOf = List.copyOf(baselineOf);
  }

  /** The family, by the policy's name. */
  Family family() {
    return familyOf(text);
  }

  /** The family of a spec. */
  static Family familyOf(String text) {
    return switch (DepthSpec.parse(text).name()) {
      case DENSE -> Family.DENSE;
      case "unified" -> Family.UNIFIED;
      case "random" -> Family.RANDOM;
      case "static" -> Family.STATIC;
      default -> Family.ADAPTIVE;
    };
  }

  /** The spec for people: folders by their last name only. */
  String shortText() {
    return text.replaceAll("=[^,=]*/([^/,]+)/?", "=$1");
  }
}
