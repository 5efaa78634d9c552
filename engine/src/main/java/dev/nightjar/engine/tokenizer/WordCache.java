package dev.nightjar.engine.tokenizer;

/**
 * Remembers the token ids of recent words. A fixed number of slots, one word each; a new word takes
 * the slot of the old one, so the cache needs neither locks nor a sweep. Entries are immutable and
 * races only cost a second computation.
 */
final class WordCache {
  private static final int SLOTS = 1 << 15;
  private static final int MAX_WORD_LENGTH = 48;

  private record Entry(String word, int[] ids) {}

  private final Entry[] entries = new Entry[SLOTS];

  /** The ids, which must not be changed, or null. */
  int[] get(String word) {
    Entry entry = entries[slot(word)];
    return entry != null && entry.word.equals(word) ? entry.ids : null;
  }

  void put(String word, int[] ids) {
    if (word.length() <= MAX_WORD_LENGTH) {
      entries[slot(word)] = new Entry(word, ids);
    }
  }

  private static int slot(String word) {
    int hash = word.hashCode() * 0x9E3779B9;
    return hash >>> (Integer.SIZE - Integer.numberOfTrailingZeros(SLOTS));
  }
}
