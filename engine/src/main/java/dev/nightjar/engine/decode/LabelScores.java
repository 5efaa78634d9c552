package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.Task;
import java.util.ArrayList;
import java.util.List;

/**
 * What labels score, from the log-probabilities of their trie's nodes. All sums run in token order,
 * in double precision. Confined to one thread.
 */
final class LabelScores {
  /** Least probability that an answer does not go on where a label could: floats know no better. */
  private static final double LEAST_END = 0x1p-24;

  private final LabelTrie trie;
  private final float[] logprobs;

  /**
   * Scores of a trie.
   *
   * @param logprobs {@code [nodes]} log-probability of each node's token behind its parent
   */
  LabelScores(LabelTrie trie, float[] logprobs) {
    this.trie = trie;
    this.logprobs = logprobs;
  }

  private int[] path(int label) {
    int[] path = new int[trie.length(label)];
    int node = trie.end(label);
    for (int i = path.length - 1; i >= 0; i--) {
      path[i] = node;
      node = trie.parent(node);
    }
    return path;
  }

  /** The tokens of a label. */
  List<Integer> tokens(int label) {
    List<Integer> tokens = new ArrayList<>();
    for (int node : path(label)) {
      tokens.add(trie.token(node));
    }
    return tokens;
  }

  /** The log-probabilities of a label's tokens. */
  List<Float> tokenLogprobs(int label) {
    List<Float> values = new ArrayList<>();
    for (int node : path(label)) {
      values.add(logprobs[node]);
    }
    return values;
  }

  /** Log-probability that an answer begins with the label and does not go on to a longer one. */
  double logprob(int label) {
    double sum = 0;
    for (int node : path(label)) {
      sum += logprobs[node];
    }
    int end = trie.end(label);
    if (!trie.inner(end)) {
      return sum;
    }
    double goesOn = 0;
    for (int child = trie.firstChild(end); child >= 0; child = trie.nextSibling(child)) {
      goesOn += StrictMath.exp(logprobs[child]);
    }
    return sum + StrictMath.log(Math.max(1 - goesOn, LEAST_END));
  }

  /** The choice among all labels. */
  Finding.Choice choice(Task.Choose task) {
    int labels = trie.labels();
    double[] logprob = new double[labels];
    double[] compared = new double[labels];
    int best = 0;
    for (int label = 0; label < labels; label++) {
      logprob[label] = logprob(label);
      compared[label] =
          task.length() == Task.Length.MEAN ? logprob[label] / trie.length(label) : logprob[label];
      best = compared[label] > compared[best] ? label : best;
    }
    double total = 0;
    double[] share = new double[labels];
    for (int label = 0; label < labels; label++) {
      share[label] =
          compared[label] == compared[best] ? 1 : StrictMath.exp(compared[label] - compared[best]);
      total += share[label];
    }
    List<Finding.LabelScore> scores = new ArrayList<>(labels);
    for (int label = 0; label < labels; label++) {
      scores.add(
          new Finding.LabelScore(
              task.labels().get(label), logprob[label], trie.length(label), share[label] / total));
    }
    return new Finding.Choice(task.labels().get(best), scores);
  }
}
