package dev.nightjar.engine.constraint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** How JSON values are written: without insignificant spaces, characters as they are. */
final class JsonText {
  static final Language NULL = new Language.Literal("null");
  static final Language BOOLEAN =
      Language.union(new Language.Literal("true"), new Language.Literal("false"));

  /** Integers of up to 18 digits: any of them fits into 64 bits. */
  static final Language INTEGER = Language.regex("0|-?[1-9][0-9]{0,17}");

  /** Numbers that a double holds without overflow. */
  static final Language NUMBER =
      Language.regex("-?(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?");

  private static final CharacterSet ESCAPED =
      CharacterSet.of(0, 0x1F).plus(CharacterSet.of("\"\\"));

  /** A character of a string in any of its forms; a pair of surrogate escapes is one. */
  private static final Language CHARACTER =
      Language.union(
          new Language.OneOf(ESCAPED.complement()),
          Language.regex("\\\\[\"\\\\/bfnrt]"),
          Language.regex("\\\\u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})"),
          Language.regex("\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}"));

  private static final Language QUOTE = new Language.Literal("\"");

  private JsonText() {}

  /**
   * Strings by their length in characters.
   *
   * @param max most characters, or {@link Language.Repeat#UNBOUNDED}
   */
  static Language string(int min, int max) {
    return Language.chain(QUOTE, new Language.Repeat(CHARACTER, min, max), QUOTE);
  }

  /** Strings by their content; characters are escaped where they must be. */
  static Language string(Language content) {
    return Language.chain(QUOTE, escaped(content), QUOTE);
  }

  private static Language escaped(Language content) {
    return switch (content) {
      case Language.Literal(String text) -> new Language.Literal(escape(text));
      case Language.OneOf(CharacterSet characters) -> escaped(characters);
      case Language.Chain(List<Language> parts) -> new Language.Chain(escaped(parts));
      case Language.Union(List<Language> alternatives) -> new Language.Union(escaped(alternatives));
      case Language.Repeat(Language item, int min, int max) ->
          new Language.Repeat(escaped(item), min, max);
      case Language.Listed(Language item, int min, int max) ->
          new Language.Listed(escaped(item), min, max);
      case Language.Members(List<Language> members, BitSet required) ->
          new Language.Members(escaped(members), required);
      case Language.Both(Language one, Language other) ->
          new Language.Both(escaped(one), escaped(other));
    };
  }

  private static List<Language> escaped(List<Language> languages) {
    List<Language> out = new ArrayList<>(languages.size());
    for (Language language : languages) {
      out.add(escaped(language));
    }
    return out;
  }

  private static Language escaped(CharacterSet characters) {
    List<Language> alternatives = new ArrayList<>();
    alternatives.add(new Language.OneOf(characters.minus(ESCAPED)));
    for (int c = 0; c <= '\\'; c++) {
      if (ESCAPED.contains(c) && characters.contains(c)) {
        alternatives.add(new Language.Literal(escape(Character.toString(c))));
      }
    }
    return alternatives.size() == 1 ? alternatives.getFirst() : new Language.Union(alternatives);
  }

  /** The content of a JSON string. */
  static String escape(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int known = "\"\\\b\f\n\r\t".indexOf(c);
      if (known >= 0) {
        out.append('\\').append("\"\\bfnrt".charAt(known));
      } else if (c < 0x20) {
        out.append("\\u%04x".formatted((int) c));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** A member of an object. */
  static Language member(String name, Language value) {
    return Language.chain(new Language.Literal('"' + escape(name) + "\":"), value);
  }

  /** Objects with members of their own names. */
  static Language object(Language members) {
    return Language.chain(new Language.Literal("{"), members, new Language.Literal("}"));
  }

  /** Objects with any names and values of one kind; a name may come twice. */
  static Language map(Language value) {
    Language member =
        Language.chain(string(0, Language.Repeat.UNBOUNDED), new Language.Literal(":"), value);
    return object(new Language.Listed(member, 0, Language.Repeat.UNBOUNDED));
  }

  /**
   * Arrays.
   *
   * @param max most items, or {@link Language.Repeat#UNBOUNDED}
   */
  static Language array(Language item, int min, int max) {
    return Language.chain(
        new Language.Literal("["), new Language.Listed(item, min, max), new Language.Literal("]"));
  }

  /** Any value with at most so many objects and arrays around each other. */
  static Language any(int nesting) {
    List<Language> alternatives =
        new ArrayList<>(List.of(NULL, BOOLEAN, NUMBER, string(0, Language.Repeat.UNBOUNDED)));
    if (nesting > 0) {
      Language inner = any(nesting - 1);
      alternatives.add(map(inner));
      alternatives.add(array(inner, 0, Language.Repeat.UNBOUNDED));
    }
    return new Language.Union(alternatives);
  }
}
