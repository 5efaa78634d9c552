package dev.nightjar.engine.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Trains small byte-pair vocabularies, so that tests need no downloads. */
final class BpeTrainer {
  /** Tokens in order of their ids, and merges in order of their ranks. */
  record Result(List<String> tokens, List<String[]> merges) {}

  private BpeTrainer() {}

  /** Learns merges from words; {@code alphabet} comes first in the vocabulary. */
  static Result train(List<String> words, List<String> alphabet, int numMerges) {
    Map<List<String>, Integer> counts = new LinkedHashMap<>();
    Set<String> tokens = new LinkedHashSet<>(alphabet);
    for (String word : words) {
      List<String> symbols = new ArrayList<>();
      word.codePoints().forEach(c -> symbols.add(Character.toString(c)));
      counts.merge(symbols, 1, Integer::sum);
    }
    List<String[]> merges = new ArrayList<>();
    for (int i = 0; i < numMerges; i++) {
      String[] best = mostFrequent(counts, tokens);
      if (best == null) {
        break;
      }
      merges.add(best);
      tokens.add(best[0] + best[1]);
      Map<List<String>, Integer> merged = new LinkedHashMap<>();
      counts.forEach((word, count) -> merged.merge(merge(word, best), count, Integer::sum));
      counts = merged;
    }
    return new Result(List.copyOf(tokens), merges);
  }

  private static String[] mostFrequent(Map<List<String>, Integer> counts, Set<String> tokens) {
    Map<List<String>, Integer> pairs = new LinkedHashMap<>();
    counts.forEach((word, count) -> {
      for (int i = 0; i + 1 < word.size(); i++) {
        if (tokens.contains(word.get(i)) && tokens.contains(word.get(i + 1))) {
          pairs.merge(List.of(word.get(i), word.get(i + 1)), count, Integer::sum);
        }
      }
    });
    List<String> best = null;
    int bestCount = 1;
    for (Map.Entry<List<String>, Integer> pair : pairs.entrySet()) {
      if (pair.getValue() > bestCount) {
        best = pair.getKey();
        bestCount = pair.getValue();
      }
    }
    return best == null ? null : best.toArray(new String[0]);
  }

  private static List<String> merge(List<String> word, String[] pair) {
    List<String> merged = new ArrayList<>();
    for (int i = 0; i < word.size(); i++) {
      boolean here =
          i + 1 < word.size() && word.get(i).equals(pair[0]) && word.get(i + 1).equals(pair[1]);
      merged.add(here ? pair[0] + pair[1] : word.get(i));
      i += here ? 1 : 0;
    }
    return merged;
  }
}
