package dev.nightjar.engine.tokenizer;

/**
 * Cuts one pre-token, as left by normaliser and pre-tokeniser, into token ids. Safe for concurrent
 * use.
 */
sealed interface TokenModel permits BytePairModel, UnigramModel {
  /** Appends the word's ids; the word has no broken surrogates. */
  void tokenize(String word, IntList out);
}
