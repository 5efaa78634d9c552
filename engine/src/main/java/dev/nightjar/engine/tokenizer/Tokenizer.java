package dev.nightjar.engine.tokenizer;

/** Text to token ids and back. Stateless and safe for concurrent use; knows nothing of models. */
public interface Tokenizer {
  /**
   * Encodes text as ordinary text: strings that look like control tokens are not taken for them, and nothing is added
   * in front or behind.
   */
  int[] encode(String text);

  /** Encodes text in which the strings of added (control) tokens stand for those tokens, as in a rendered chat template. */
  int[] encodeWithSpecialTokens(String text);

  /**
   * The bytes a token contributes to the output (UTF-8); empty for control tokens. A character may be split over several
   * tokens. {@code atStart} is true for the first token of a text, where SentencePiece drops the leading space.
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
}
