package dev.nightjar.engine.tokenizer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Ids and strings of a vocabulary; ids without a token have none. Immutable once built. */
final class Vocabulary {
  /** More ids than any published vocabulary has; files that claim more are refused. */
  static final int MAX_SIZE = 4 << 20;

  private final String[] tokens;
  private final Map<String, Integer> ids;

  /**
   * Takes tokens by id; null where an id has none. Of equal tokens the first one is found by its
   * string.
   */
  Vocabulary(List<String> tokensById) {
    tokens = tokensById.toArray(new String[0]);
    ids = HashMap.newHashMap(tokens.length);
    for (int id = 0; id < tokens.length; id++) {
      if (tokens[id] != null) {
        ids.putIfAbsent(tokens[id], id);
      }
    }
  }

  /**
   * The vocabulary for the model: text must never become a control token there. Single characters
   * stay, or text would get lost.
   */
  Vocabulary withoutControlTokens(Set<String> controlTokens) {
    String[] kept = tokens.clone();
    boolean changed = false;
    for (String token : controlTokens) {
      int id = idOf(token);
      if (id >= 0 && token.codePointCount(0, token.length()) > 1) {
        kept[id] = null;
        changed = true;
      }
    }
    return changed ? new Vocabulary(Arrays.asList(kept)) : this;
  }

  /** The id, or -1. */
  int idOf(String token) {
    Integer id = ids.get(token);
    return id == null ? -1 : id;
  }

  /** The token, or null if the id has none. */
  String token(int id) {
    return tokens[id];
  }

  int size() {
    return tokens.length;
  }

  /** The ids of {@code <0x00>} to {@code <0xFF>}, -1 where missing. */
  int[] byteTokens() {
    int[] byteIds = new int[256];
    for (int b = 0; b < 256; b++) {
      byteIds[b] = idOf("<0x%02X>".formatted(b));
    }
    return byteIds;
  }
}
