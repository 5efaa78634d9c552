package dev.nightjar.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Regular expressions against java.util.regex. */
class TestRegexParser {
  private static final String[] ATOMS = {
    "a",
    "b",
    "é",
    "😀",
    ".",
    "\\d",
    "\\w",
    "\\s",
    "[abc]",
    "[^a]",
    "[a-cé-ü]",
    "[\\d.]",
    "\\.",
    "\\u00e9",
    "\\x{1F600}",
    "\\p{Lu}",
    "\\P{L}",
    "\\n",
    "[\\]\\-^]",
    "(?:ab|ba)",
    "(a|é)",
    "-"
  };
  private static final String[] QUANTIFIERS = {
    "", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0}"
  };
  private static final int[] CHARACTERS = {
    'a', 'b', 'c', 'A', '1', '.', '-', ' ', '\n', '\r', 0x85, 0xE9, 0xFC, 0x3A9, 0x2028, 0xFFFD,
    0x1F600, 0x10FFFF, '^', ']', '_'
  };

  private static String expression(Random random, int depth) {
    StringBuilder out = new StringBuilder();
    int parts = 1 + random.nextInt(4);
    for (int i = 0; i < parts; i++) {
      if (depth > 0 && random.nextInt(4) == 0) {
        out.append('(').append(expression(random, depth - 1)).append(')');
      } else {
        out.append(ATOMS[random.nextInt(ATOMS.length)]);
      }
      out.append(QUANTIFIERS[random.nextInt(QUANTIFIERS.length)]);
    }
    if (random.nextInt(3) == 0) {
      out.append('|').append(ATOMS[random.nextInt(ATOMS.length)]);
    }
    return out.toString();
  }

  private static boolean accepts(ByteAutomaton automaton, String text) {
    int end = automaton.next(0, text.getBytes(StandardCharsets.UTF_8));
    return end != ByteAutomaton.DEAD && automaton.accepting(end);
  }

  private static String text(Random random) {
    StringBuilder out = new StringBuilder();
    for (int i = random.nextInt(7); i > 0; i--) {
      out.appendCodePoint(CHARACTERS[random.nextInt(CHARACTERS.length)]);
    }
    return out.toString();
  }

  @Test
  void acceptsWhatJavaMatches() {
    Random random = new Random(5);
    ListedTokens tokenizer = ListedTokens.random(1, false);
    int accepted = 0;
    for (int i = 0; i < 300; i++) {
      String expression = expression(random, 2);
      ByteAutomaton automaton = ByteAutomaton.of(RegexParser.whole(expression));
      Pattern pattern = Pattern.compile(expression);
      for (int j = 0; j < 60; j++) {
        String text = text(random);
        boolean expected = pattern.matcher(text).matches();
        accepted += expected ? 1 : 0;
        assertThat(accepts(automaton, text)).as("%s on %s", expression, text).isEqualTo(expected);
      }
      if (!automaton.ends(0)) {
        TokenTrie trie = trie(tokenizer);
        Constraint constraint =
            new Constraint(automaton, trie, trie, tokenizer.vocabSize(), List.of(tokenizer.end()));
        RandomWriter writer = new RandomWriter(tokenizer, random);
        for (int j = 0; j < 5; j++) {
          String text = writer.write(constraint, constraint.minTokens() + random.nextInt(12));
          assertThat(text).matches(pattern);
        }
      }
    }
    assertThat(accepted).isGreaterThan(500);
  }

  private static TokenTrie trie(ListedTokens tokenizer) {
    byte[][] bytes = new byte[tokenizer.vocabSize()][];
    for (int id = 0; id < bytes.length; id++) {
      bytes[id] = tokenizer.tokenBytes(id, false);
    }
    return new TokenTrie(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"b", "^b", "b$", "^b$", "^a|b$", "a|^b", "[0-9]{2}", "^$"})
  void findsWhatJavaFinds(String expression) {
    Random random = new Random(6);
    ByteAutomaton automaton = ByteAutomaton.of(RegexParser.anywhere(expression));
    Pattern pattern = Pattern.compile(expression.replace("$", "\\z"));
    for (int i = 0; i < 500; i++) {
      String text = text(random);
      assertThat(accepts(automaton, text)).as(text).isEqualTo(pattern.matcher(text).find());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      value = {
        "a(?=b) @look-around",
        "(?<!a)b @look-around",
        "(?i)a @look-around, flag",
        "(a)\\1 @back-references",
        "\\bword @\\b",
        "a++ @possessive",
        "a^b @anchor ^ inside",
        "(a$)b @anchor $ inside",
        "(a @( without )",
        "a) @unmatched )",
        "[a @[ without ]",
        "[a&&b] @class inside a class",
        "a{2,1} @malformed count",
        "*a @* without anything",
        "a{20000} @no number from 0 to 10000",
        "\\p{Nonsense} @unknown property",
        "\\ud800 @no character",
        "(a{5000}){5000} @too large",
        "(a|b)*a(a|b){30} @too large",
      })
  void refusesByName(String expression, String reason) {
    assertThatThrownBy(() -> ByteAutomaton.of(RegexParser.whole(expression.trim())))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void deepNestingIsRefused() {
    String deep = "(".repeat(5000) + "a" + ")".repeat(5000);
    assertThatThrownBy(() -> RegexParser.whole(deep))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("nested groups");
  }
}
