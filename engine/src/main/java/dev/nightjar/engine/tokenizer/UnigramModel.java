package dev.nightjar.engine.tokenizer;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * SentencePiece's unigram model: of all ways to cut a word into tokens the one with the largest sum
 * of scores, found with Viterbi's algorithm over a trie of the tokens (Kudo 2018,
 * arXiv:1804.10959).
 */
final class UnigramModel implements TokenModel {
  /** How much worse than the worst token an unknown character is. */
  private static final double UNKNOWN_PENALTY = 10;

  private final Vocabulary vocabulary;
  private final double[] scores;
  private final int unknownId;
  private final int[] byteIds;
  private final double unknownScore;
  private final StringTrie trie;
  private final WordCache cache = new WordCache();

  /**
   * Builds the trie.
   *
   * @param scores {@code [V]}, natural logarithms
   * @param unknownId token of characters that no token starts with, or -1 for none
   */
  UnigramModel(Vocabulary vocabulary, double[] scores, int unknownId, boolean byteFallback) {
    this.vocabulary = vocabulary;
    this.scores = scores;
    this.unknownId = unknownId;
    this.byteIds = byteFallback ? vocabulary.byteTokens() : null;
    double worst = Double.POSITIVE_INFINITY;
    for (double score : scores) {
      worst = Math.min(worst, score);
    }
    unknownScore = worst - UNKNOWN_PENALTY;
    trie = new StringTrie(vocabulary.size() * 2);
    for (int id = 0; id < vocabulary.size(); id++) {
      String token = vocabulary.token(id);
      if (token != null && !token.isEmpty()) {
        trie.add(token, id);
      }
    }
  }

  @Override
  public void tokenize(String word, IntList out) {
    int[] ids = cache.get(word);
    if (ids == null) {
      IntList found = new IntList();
      compute(word, found);
      ids = found.toArray();
      cache.put(word, ids);
    }
    out.addAll(ids);
  }

  private void compute(String word, IntList out) {
    int length = word.length();
    double[] best = new double[length + 1];
    int[] startOf = new int[length + 1];
    int[] idAt = new int[length + 1];
    Arrays.fill(startOf, -1);
    for (int from = 0; from < length; ) {
      int charEnd = from + Character.charCount(word.codePointAt(from));
      boolean single = false;
      int node = StringTrie.ROOT;
      for (int i = from; i < length; i++) {
        node = trie.next(node, word.charAt(i));
        if (node < 0) {
          break;
        }
        int id = trie.value(node);
        if (id >= 0) {
          improve(best, startOf, idAt, from, i + 1, best[from] + scores[id], id);
          single |= i + 1 == charEnd;
        }
      }
      if (!single) {
        improve(best, startOf, idAt, from, charEnd, best[from] + unknownScore, unknownId);
      }
      from = charEnd;
    }
    emit(word, startOf, idAt, out);
  }

  private static void improve(
      double[] best, int[] startOf, int[] idAt, int from, int to, double score, int id) {
    if (startOf[to] < 0 || score > best[to]) {
      best[to] = score;
      startOf[to] = from;
      idAt[to] = id;
    }
  }

  /**
   * Walks the best path from its end, then passes it on in order; neighbouring unknowns are one.
   */
  private void emit(String word, int[] startOf, int[] idAt, IntList out) {
    int length = word.length();
    int[] nextStart = new int[length + 1];
    for (int end = length; end > 0; end = startOf[end]) {
      nextStart[startOf[end]] = end;
    }
    for (int from = 0; from < length; ) {
      int to = nextStart[from];
      if (idAt[to] != unknownId) {
        out.add(idAt[to]);
        from = to;
        continue;
      }
      while (to < length && idAt[nextStart[to]] == unknownId) {
        to = nextStart[to];
      }
      addUnknown(word.substring(from, to), out);
      from = to;
    }
  }

  private void addUnknown(String text, IntList out) {
    int known = vocabulary.idOf(text);
    if (known >= 0) {
      out.add(known);
      return;
    }
    if (byteIds != null) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      boolean all = true;
      for (byte b : bytes) {
        all &= byteIds[b & 0xFF] >= 0;
      }
      if (all) {
        for (byte b : bytes) {
          out.add(byteIds[b & 0xFF]);
        }
        return;
      }
    }
    if (unknownId < 0) {
      throw new EngineException(
          ErrorCode.INVALID_PROMPT,
          "the text has a character that this model's vocabulary lacks, and the vocabulary has no"
              + " token for unknown characters");
    }
    out.add(unknownId);
  }
}
