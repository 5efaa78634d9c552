package dev.nightjar.engine.constraint;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compiles formats for one vocabulary and keeps those used last, the ones that cannot be compiled
 * included, within a bound. Safe for concurrent use.
 */
public final class Constraints {
  private static final int MOST_KEPT = 1000;
  private static final long MOST_BYTES = 128L << 20;
  private static final int OBJECT_NESTING = 4;

  private final Tokenizer tokenizer;
  private final List<Integer> ends;
  private final Map<ResponseFormat, Compiled> compiled = new LinkedHashMap<>(64, 0.75f, true);
  private TokenTrie inside;
  private TokenTrie start;

  /** What became of a format; one of the two is null. */
  private record Compiled(Constraint constraint, EngineException fault) {}

  /**
   * Formats over a tokenizer's vocabulary.
   *
   * @param ends the tokens that end a text
   */
  public Constraints(Tokenizer tokenizer, List<Integer> ends) {
    this.tokenizer = tokenizer;
    this.ends = List.copyOf(ends);
  }

  /**
   * The constraint of a format, or null for free text.
   *
   * @throws EngineException when the format is malformed, not supported or too large
   */
  public Constraint of(ResponseFormat format) {
    if (!format.constrained()) {
      return null;
    }
    synchronized (compiled) {
      Compiled known = compiled.get(format);
      if (known == null) {
        known = compile(format);
        compiled.put(format, known);
        shrink();
      }
      if (known.fault != null) {
        throw new EngineException(known.fault.code(), known.fault.getMessage(), known.fault);
      }
      return known.constraint;
    }
  }

  /** Drops those not used for longest; sets of tokens made since then are counted as well. */
  private void shrink() {
    long bytes = 0;
    for (Compiled each : compiled.values()) {
      bytes += each.constraint == null ? 0 : each.constraint.byteSize();
    }
    Iterator<Compiled> oldest = compiled.values().iterator();
    while (compiled.size() > 1 && (compiled.size() > MOST_KEPT || bytes > MOST_BYTES)) {
      Compiled dropped = oldest.next();
      bytes -= dropped.constraint == null ? 0 : dropped.constraint.byteSize();
      oldest.remove();
    }
  }

  private Compiled compile(ResponseFormat format) {
    try {
      ByteAutomaton automaton = automaton(format);
      if (inside == null) {
        readVocabulary();
      }
      return new Compiled(
          new Constraint(automaton, start, inside, tokenizer.vocabSize(), ends), null);
    } catch (EngineException e) {
      return new Compiled(null, e);
    }
  }

  private void readVocabulary() {
    byte[][] atStart = tokenBytes(true);
    byte[][] behind = tokenBytes(false);
    inside = new TokenTrie(behind);
    start = Arrays.deepEquals(atStart, behind) ? inside : new TokenTrie(atStart);
  }

  private byte[][] tokenBytes(boolean atStart) {
    byte[][] bytes = new byte[tokenizer.vocabSize()][];
    for (int id = 0; id < bytes.length; id++) {
      if (!tokenizer.isSpecial(id) && !ends.contains(id)) {
        bytes[id] = tokenizer.tokenBytes(id, atStart);
      }
    }
    return bytes;
  }

  /**
   * Checks a format without a vocabulary.
   *
   * @throws EngineException when the format is malformed, not supported or too large
   */
  public static void check(ResponseFormat format) {
    if (format.constrained()) {
      automaton(format);
    }
  }

  private static ByteAutomaton automaton(ResponseFormat format) {
    ByteAutomaton automaton = ByteAutomaton.of(language(format));
    if (automaton.acceptsNothing()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "no text fits the response format; check it for conditions that exclude each other");
    }
    return automaton;
  }

  private static Language language(ResponseFormat format) {
    return switch (format) {
      case ResponseFormat.Text() -> Language.ANYTHING;
      case ResponseFormat.JsonObject() -> JsonText.map(JsonText.any(OBJECT_NESTING - 1));
      case ResponseFormat.JsonSchema(String schema) -> SchemaReader.read(schema);
      case ResponseFormat.Regex(String pattern) -> RegexParser.whole(pattern);
      case ResponseFormat.Choice(List<String> choices) -> {
        List<Language> texts = new ArrayList<>();
        choices.forEach(choice -> texts.add(new Language.Literal(choice)));
        yield new Language.Union(texts);
      }
    };
  }
}
