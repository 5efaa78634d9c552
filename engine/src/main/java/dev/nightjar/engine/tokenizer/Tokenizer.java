package dev.nightjar.engine.tokenizer;

import java.util.List;

/** Text to token ids and back. Stateless and safe for concurrent use; knows nothing of models. */
public interface Tokenizer {
  /**
   * Encodes text as ordinary text: strings that look like control tokens are not taken for them,
   * and nothing is added in front or behind.
   */
  int[] encode(String text);

  /**
   * Encodes text in which the strings of added (control) tokens stand for those tokens, as in a
   * rendered chat template.
   */
  int[] encodeWithSpecialTokens(String text);

  /**
   * Like {@link #encodeWithSpecialTokens}, except that a string whose first character is followed
   * by the marker is not taken for a control token; the markers themselves are dropped. A tokenizer
   * that does not implement this takes nothing for a control token.
   */
  default int[] encodeMarked(String text, char marker) {
    return encode(text.replace(String.valueOf(marker), ""));
  }

  /** The strings of the control tokens. */
  default List<String> specialTokens() {
    return List.of();
  }

  /**
   * The bytes a token contributes to the output (UTF-8); empty for control tokens. A character may
   * be split over several tokens. {@code atStart} is true for the first token of a text, where
   * SentencePiece drops the leading space.
   */
  byte[] tokenBytes(int id, boolean atStart);

  /** The token's string in the vocabulary, for people. */
  String tokenText(int id);

  /** Whether the token is a control token that is not part of the text. */
  boolean isSpecial(int id);

  /** The id of a token given by its exact vocabulary string, or -1. */
  int idOf(String token);

  /** Number of ids. */
  int vocabSize();

  /** Begin-of-sequence token put in front of raw-text prompts, or -1 for none. */
  int bosToAdd();

  /** End-of-sequence token put behind raw-text prompts, or -1 for none, as nearly always. */
  default int eosToAdd() {
    return -1;
  }
}
