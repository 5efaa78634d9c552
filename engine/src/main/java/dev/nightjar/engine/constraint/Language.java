package dev.nightjar.engine.constraint;

import java.util.BitSet;
import java.util.List;

/** A regular set of texts. Immutable. */
sealed interface Language {
  /** The empty text only. */
  Language EMPTY = new Literal("");

  /** Any text. */
  Language ANYTHING = new Repeat(new OneOf(CharacterSet.ALL), 0, Repeat.UNBOUNDED);

  /** This text only. */
  record Literal(String text) implements Language {}

  /** One character of the set. */
  record OneOf(CharacterSet characters) implements Language {}

  /** A text of each part, one behind the other. */
  record Chain(List<Language> parts) implements Language {
    public Chain {
      parts = List.copyOf(parts);
    }
  }

  /** The texts of all alternatives; no text without an alternative. */
  record Union(List<Language> alternatives) implements Language {
    public Union {
      alternatives = List.copyOf(alternatives);
    }
  }

  /**
   * Texts of the item, one behind the other.
   *
   * @param max most of them, or {@link #UNBOUNDED}
   */
  record Repeat(Language item, int min, int max) implements Language {
    static final int UNBOUNDED = -1;
  }

  /**
   * Texts of the item with commas between.
   *
   * @param max most of them, or {@link Repeat#UNBOUNDED}
   */
  record Listed(Language item, int min, int max) implements Language {}

  /** Some of the members, in their order, with commas between. */
  record Members(List<Language> members, BitSet required) implements Language {
    public Members {
      members = List.copyOf(members);
    }
  }

  /** The texts that both have. */
  record Both(Language one, Language other) implements Language {}

  /** Texts of each part, one behind the other. */
  static Language chain(Language... parts) {
    return new Chain(List.of(parts));
  }

  /** The texts of all alternatives. */
  static Language union(Language... alternatives) {
    return new Union(List.of(alternatives));
  }

  /** The text or nothing. */
  static Language optional(Language item) {
    return new Repeat(item, 0, 1);
  }

  /** The texts of a regular expression of ours. */
  static Language regex(String pattern) {
    return RegexParser.whole(pattern);
  }
}
