package dev.nightjar.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Byte-pair encoding: starts from single characters and always merges the pair of lowest rank, the
 * leftmost first. Byte-level vocabularies reach it with bytes already written as characters;
 * SentencePiece ones with byte fallback.
 */
final class BytePairModel implements TokenModel {
  /** Up to this many symbols looking at every pair beats keeping them in a queue. */
  private static final int SCAN_LIMIT = 24;

  private static final char WORD_START = '▁';

  /**
   * What a file may switch on besides the merges.
   *
   * @param unknownId token of characters that are not in the vocabulary, or -1 to drop them
   * @param fuseUnknown whether neighbouring unknown characters become one token
   * @param byteFallback whether unknown characters become tokens of their UTF-8 bytes
   * @param ignoreMerges whether a word that is itself a token is taken whole
   * @param prefix of symbols that do not start a word, usually empty
   * @param suffix of symbols that end a word, usually empty
   */
  record Options(
      int unknownId,
      boolean fuseUnknown,
      boolean byteFallback,
      boolean ignoreMerges,
      String prefix,
      String suffix) {}

  private final Vocabulary vocabulary;
  private final MergeTable merges;
  private final Options options;
  private final int[] idOfChar;
  private final int[] byteIds;
  private final WordCache cache = new WordCache();

  /**
   * Characters that stand before a word start inside some token; null when words must not be cut
   * there.
   */
  private final BitSet beforeWordStart;

  BytePairModel(Vocabulary vocabulary, MergeTable merges, Options options) {
    this.vocabulary = vocabulary;
    this.merges = merges;
    this.options = options;
    this.byteIds = vocabulary.byteTokens();
    this.idOfChar = new int[Character.MAX_VALUE + 1];
    Arrays.fill(idOfChar, -1);
    for (int id = vocabulary.size() - 1; id >= 0; id--) {
      String token = vocabulary.token(id);
      if (token != null && token.length() == 1) {
        idOfChar[token.charAt(0)] = id;
      }
    }
    boolean plain = options.prefix().isEmpty() && options.suffix().isEmpty();
    boolean cut = plain && !options.ignoreMerges() && idOfChar[WORD_START] >= 0;
    this.beforeWordStart = cut ? findBeforeWordStart() : null;
  }

  @Override
  public void tokenize(String word, IntList out) {
    if (beforeWordStart == null) {
      tokenizeWord(word, out);
      return;
    }
    // No token spans such a boundary, hence no merge crosses it: the parts are independent.
    int from = 0;
    int length = word.length();
    for (int i = 1; i < length; i++) {
      if (word.charAt(i) == WORD_START && !beforeWordStart.get(word.charAt(i - 1))) {
        tokenizeWord(word.substring(from, i), out);
        from = i;
      }
    }
    tokenizeWord(from == 0 ? word : word.substring(from), out);
  }

  private void tokenizeWord(String word, IntList out) {
    int[] ids = cache.get(word);
    if (ids == null) {
      ids = compute(word);
      cache.put(word, ids);
    }
    out.addAll(ids);
  }

  private int[] compute(String word) {
    if (options.ignoreMerges()) {
      int whole = vocabulary.idOf(word);
      if (whole >= 0) {
        return new int[] {whole};
      }
    }
    int[] symbols = symbols(word);
    int count =
        symbols.length <= SCAN_LIMIT
            ? mergeByScan(symbols)
            : new MergeQueue(merges, symbols).merge();
    return Arrays.copyOf(symbols, count);
  }

  /** Ids of the word's characters. */
  private int[] symbols(String word) {
    IntList ids = new IntList();
    boolean pendingUnknown = false;
    int length = word.length();
    for (int i = 0; i < length; ) {
      int codePoint = word.codePointAt(i);
      int end = i + Character.charCount(codePoint);
      int id = symbol(word, i, end);
      if (id >= 0) {
        if (pendingUnknown) {
          ids.add(options.unknownId());
          pendingUnknown = false;
        }
        ids.add(id);
      } else if (!addBytes(codePoint, ids) && options.unknownId() >= 0) {
        if (pendingUnknown && !options.fuseUnknown()) {
          ids.add(options.unknownId());
        }
        pendingUnknown = true;
      }
      i = end;
    }
    if (pendingUnknown) {
      ids.add(options.unknownId());
    }
    return ids.toArray();
  }

  private int symbol(String word, int from, int to) {
    boolean prefixed = from > 0 && !options.prefix().isEmpty();
    boolean suffixed = to == word.length() && !options.suffix().isEmpty();
    if (!prefixed && !suffixed) {
      return to - from == 1
          ? idOfChar[word.charAt(from)]
          : vocabulary.idOf(word.substring(from, to));
    }
    String symbol = word.substring(from, to);
    if (prefixed) {
      symbol = options.prefix() + symbol;
    }
    if (suffixed) {
      symbol = symbol + options.suffix();
    }
    return vocabulary.idOf(symbol);
  }

  private boolean addBytes(int codePoint, IntList ids) {
    if (!options.byteFallback()) {
      return false;
    }
    byte[] bytes = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
    for (byte b : bytes) {
      if (byteIds[b & 0xFF] < 0) {
        return false;
      }
    }
    for (byte b : bytes) {
      ids.add(byteIds[b & 0xFF]);
    }
    return true;
  }

  /** Merges in place and returns the number of symbols left. */
  private int mergeByScan(int[] symbols) {
    int count = symbols.length;
    while (count > 1) {
      int best = -1;
      int bestRank = Integer.MAX_VALUE;
      int at = -1;
      for (int i = 0; i + 1 < count; i++) {
        int merge = merges.find(symbols[i], symbols[i + 1]);
        if (merge >= 0 && merges.rank(merge) < bestRank) {
          best = merge;
          bestRank = merges.rank(merge);
          at = i;
        }
      }
      if (best < 0) {
        break;
      }
      symbols[at] = merges.result(best);
      System.arraycopy(symbols, at + 2, symbols, at + 1, count - at - 2);
      count--;
    }
    return count;
  }

  private BitSet findBeforeWordStart() {
    BitSet before = new BitSet();
    for (int id = 0; id < vocabulary.size(); id++) {
      String token = vocabulary.token(id);
      if (token == null) {
        continue;
      }
      for (int i = token.indexOf(WORD_START, 1); i >= 1; i = token.indexOf(WORD_START, i + 1)) {
        before.set(token.charAt(i - 1));
      }
    }
    return before;
  }
}
