package dev.nightjar.job.calibrate;

import java.io.Serializable;
import java.util.List;

/**
 * A row of the sample with the dense model's answer.
 *
 * @param index position in the sample
 * @param prompt token ids, with those that all answers begin with where rows choose among labels
 * @param asked how many of them, from the front, are the row's own
 * @param answer token ids generated or chosen at full depth, the end of the sequence included
 * @param text the answer
 * @param gold values of the gold columns
 */
record DenseRow(
    int index,
    String rank,
    String key,
    int[] prompt,
    int asked,
    int[] answer,
    String text,
    List<String> gold)
    implements Serializable {

  /** The same at another position. */
  DenseRow at(int newIndex) {
    return new DenseRow(newIndex, rank, key, prompt, asked, answer, text, gold);
  }

  /** Prompt and all generated tokens that were fed back: all but the last. */
  int[] fed() {
    int[] tokens = java.util.Arrays.copyOf(prompt, prompt.length + answer.length - 1);
    System.arraycopy(answer, 0, tokens, prompt.length, answer.length - 1);
    return tokens;
  }
}
