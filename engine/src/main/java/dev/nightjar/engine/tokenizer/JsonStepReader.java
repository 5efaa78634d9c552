package dev.nightjar.engine.tokenizer;

import static dev.nightjar.engine.tokenizer.JsonFields.array;
import static dev.nightjar.engine.tokenizer.JsonFields.count;
import static dev.nightjar.engine.tokenizer.JsonFields.flag;
import static dev.nightjar.engine.tokenizer.JsonFields.invalid;
import static dev.nightjar.engine.tokenizer.JsonFields.isAbsent;
import static dev.nightjar.engine.tokenizer.JsonFields.string;
import static dev.nightjar.engine.tokenizer.JsonFields.wrong;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.tokenizer.PreTokenizer.PrependScheme;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;

/** Reads the normaliser, pre-tokeniser and decoder of a tokenizer.json. */
final class JsonStepReader {
  private static final int MAX_STEPS = 64;
  private static final int MAX_DEPTH = 8;
  private static final int MAX_STRING = 4096;

  /** What a word is to the step Whitespace, which does not use Oniguruma. */
  private static final String WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\u200c\u200d";

  private JsonStepReader() {}

  static Normalizer normalizer(JsonNode node) {
    return isAbsent(node) ? new Normalizer.Identity() : normalizer(node, 0);
  }

  private static Normalizer normalizer(JsonNode node, int depth) {
    checkDepth(depth);
    String type = string(node, "type");
    return switch (type) {
      case "NFC" -> new Normalizer.Unicode(Form.NFC);
      case "NFD" -> new Normalizer.Unicode(Form.NFD);
      case "NFKC" -> new Normalizer.Unicode(Form.NFKC);
      case "NFKD" -> new Normalizer.Unicode(Form.NFKD);
      case "Lowercase" -> new Normalizer.Lowercase();
      case "StripAccents" -> new Normalizer.StripAccents();
      case "Nmt" -> new Normalizer.Nmt();
      case "ByteLevel" -> new Normalizer.ByteLevel();
      case "Strip" ->
          new Normalizer.Strip(flag(node, "strip_left", true), flag(node, "strip_right", true));
      case "Prepend" -> new Normalizer.Prepend(bounded(string(node, "prepend")));
      case "Replace" -> replace(node);
      case "Precompiled" -> {
        String rules = string(node, "precompiled_charsmap", "");
        yield rules.isEmpty()
            ? new Normalizer.Identity()
            : new Normalizer.Precompiled(PrecompiledCharsMap.of(rules));
      }
      case "Sequence" -> {
        List<Normalizer> steps = new ArrayList<>();
        for (JsonNode step : limited(array(node, "normalizers"))) {
          steps.add(normalizer(step, depth + 1));
        }
        yield new Normalizer.Sequence(steps);
      }
      default ->
          throw invalid(
              "normalizer.type is \"%s\", which is not supported; expected NFC, NFKC, Replace,"
                      .formatted(type)
                  + " Prepend, Lowercase, Strip or a Sequence of such");
    };
  }

  private static Normalizer replace(JsonNode node) {
    String content = bounded(string(node, "content"));
    JsonNode pattern = node.path("pattern");
    if (pattern.path("String").isTextual()) {
      String literal = pattern.path("String").textValue();
      return literal.isEmpty()
          ? new Normalizer.Identity()
          : new Normalizer.ReplaceString(literal, content);
    }
    return new Normalizer.Replace(pattern(pattern), content);
  }

  private static OnigurumaPattern pattern(JsonNode pattern) {
    if (pattern.path("String").isTextual()) {
      return OnigurumaPattern.ofLiteral(bounded(pattern.path("String").textValue()));
    }
    if (pattern.path("Regex").isTextual()) {
      return OnigurumaPattern.ofRegex(pattern.path("Regex").textValue());
    }
    throw wrong("pattern", pattern, "a String or a Regex");
  }

  static PreTokenizer preTokenizer(JsonNode node) {
    return isAbsent(node) ? new PreTokenizer.Whole() : preTokenizer(node, 0);
  }

  private static PreTokenizer preTokenizer(JsonNode node, int depth) {
    checkDepth(depth);
    String type = string(node, "type");
    return switch (type) {
      case "ByteLevel" ->
          new PreTokenizer.ByteLevel(
              flag(node, "add_prefix_space", true),
              flag(node, "use_regex", true)
                  ? isolate(PreTokenizer.GPT2_REGEX)
                  : new PreTokenizer.Whole());
      case "Split" ->
          new PreTokenizer.Split(
              pattern(node.path("pattern")),
              behavior(string(node, "behavior")),
              flag(node, "invert", false));
      case "Digits" ->
          new PreTokenizer.SplitAt(
              CodePoints::isNumeric,
              flag(node, "individual_digits", false)
                  ? SplitBehavior.ISOLATED
                  : SplitBehavior.CONTIGUOUS);
      case "Whitespace" ->
          new PreTokenizer.Split(
              OnigurumaPattern.ofRegex("[" + WORD + "]+|[^\\s" + WORD + "]+"),
              SplitBehavior.REMOVED,
              true);
      case "WhitespaceSplit" ->
          new PreTokenizer.SplitAt(CodePoints::isSpace, SplitBehavior.REMOVED);
      case "Punctuation" ->
          new PreTokenizer.SplitAt(
              CodePoints::isPunctuation, behavior(string(node, "behavior", "Isolated")));
      case "BertPreTokenizer" ->
          new PreTokenizer.Sequence(
              List.of(
                  new PreTokenizer.SplitAt(CodePoints::isSpace, SplitBehavior.REMOVED),
                  new PreTokenizer.SplitAt(CodePoints::isPunctuation, SplitBehavior.ISOLATED)));
      case "CharDelimiterSplit" -> {
        int delimiter = oneCharacter(node, "delimiter");
        yield new PreTokenizer.SplitAt(c -> c == delimiter, SplitBehavior.REMOVED);
      }
      case "Metaspace" -> metaspace(node);
      case "Sequence" -> {
        List<PreTokenizer> steps = new ArrayList<>();
        for (JsonNode step : limited(array(node, "pretokenizers"))) {
          steps.add(preTokenizer(step, depth + 1));
        }
        yield new PreTokenizer.Sequence(steps);
      }
      default ->
          throw invalid(
              "pre_tokenizer.type is \"%s\", which is not supported; expected ByteLevel, Split,"
                      .formatted(type)
                  + " Digits, Metaspace, Whitespace, Punctuation or a Sequence of such");
    };
  }

  static PreTokenizer isolate(String regex) {
    return new PreTokenizer.Split(OnigurumaPattern.ofRegex(regex), SplitBehavior.ISOLATED, false);
  }

  private static PreTokenizer metaspace(JsonNode node) {
    String replacement = Character.toString(oneCharacter(node, "replacement"));
    return new PreTokenizer.Metaspace(replacement, prepend(node), flag(node, "split", true));
  }

  private static PrependScheme prepend(JsonNode node) {
    String scheme = string(node, "prepend_scheme", "always");
    if (!flag(node, "add_prefix_space", true)) {
      return PrependScheme.NEVER;
    }
    return switch (scheme) {
      case "always" -> PrependScheme.ALWAYS;
      case "first" -> PrependScheme.FIRST;
      case "never" -> PrependScheme.NEVER;
      default ->
          throw wrong("prepend_scheme", node.path("prepend_scheme"), "always, first or never");
    };
  }

  private static SplitBehavior behavior(String name) {
    return switch (name) {
      case "Removed" -> SplitBehavior.REMOVED;
      case "Isolated" -> SplitBehavior.ISOLATED;
      case "MergedWithPrevious" -> SplitBehavior.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> SplitBehavior.MERGED_WITH_NEXT;
      case "Contiguous" -> SplitBehavior.CONTIGUOUS;
      default ->
          throw invalid(
              "behavior is \"%s\", expected Removed, Isolated, MergedWithPrevious, MergedWithNext"
                      .formatted(name)
                  + " or Contiguous");
    };
  }

  static TokenDecoder decoder(JsonNode node) {
    if (isAbsent(node)) {
      return TokenDecoder.PLAIN;
    }
    DecoderSteps steps = new DecoderSteps();
    steps.add(node, 0);
    return new TokenDecoder(
        steps.byteLevel, steps.replacements, steps.byteFallback, steps.strippedAtStart);
  }

  /** The steps of a decoder, gathered into one. */
  private static final class DecoderSteps {
    private final List<TokenDecoder.Replacement> replacements = new ArrayList<>();
    private boolean byteLevel;
    private boolean byteFallback;
    private boolean fused;
    private int strippedAtStart;

    private void add(JsonNode node, int depth) {
      checkDepth(depth);
      String type = string(node, "type");
      switch (type) {
        case "ByteLevel" -> byteLevel = true;
        case "ByteFallback" -> byteFallback = true;
        case "Fuse" -> fused = true;
        case "Metaspace" -> {
          replacements.add(
              new TokenDecoder.Replacement(
                  Character.toString(oneCharacter(node, "replacement")), " "));
          strippedAtStart = prepend(node) == PrependScheme.NEVER ? 0 : 1;
        }
        case "Replace" -> {
          String string = bounded(string(node.path("pattern"), "String"));
          if (string.isEmpty()) {
            throw wrong("decoder.pattern", node.path("pattern"), "a non-empty String");
          }
          replacements.add(new TokenDecoder.Replacement(string, bounded(string(node, "content"))));
        }
        case "Strip" -> {
          int start = count(node, "start", 0);
          if (count(node, "stop", 0) != 0 || (start > 0 && !fused)) {
            throw wrong("decoder", node, "a Strip of the start, behind a Fuse");
          }
          if (start > 0 && !" ".equals(string(node, "content"))) {
            throw wrong("decoder", node, "a Strip of spaces");
          }
          strippedAtStart = start;
        }
        case "Sequence" -> {
          for (JsonNode step : limited(array(node, "decoders"))) {
            add(step, depth + 1);
          }
        }
        default ->
            throw invalid(
                "decoder.type is \"%s\", which is not supported; expected ByteLevel, Metaspace,"
                        .formatted(type)
                    + " Replace, ByteFallback, Fuse, Strip or a Sequence of such");
      }
    }
  }

  private static int oneCharacter(JsonNode node, String name) {
    String text = string(node, name);
    if (text.isEmpty() || text.codePointCount(0, text.length()) != 1) {
      throw wrong(name, node.path(name), "one character");
    }
    return text.codePointAt(0);
  }

  static void checkDepth(int depth) {
    if (depth > MAX_DEPTH) {
      throw invalid("Sequences are nested more than " + MAX_DEPTH + " deep");
    }
  }

  private static JsonNode limited(JsonNode steps) {
    if (steps.size() > MAX_STEPS) {
      throw invalid(
          "a Sequence has %d steps, expected at most %d".formatted(steps.size(), MAX_STEPS));
    }
    return steps;
  }

  private static String bounded(String text) {
    if (text.length() > MAX_STRING) {
      throw invalid(
          "a string has %d characters, expected at most %d".formatted(text.length(), MAX_STRING));
    }
    return text;
  }
}
