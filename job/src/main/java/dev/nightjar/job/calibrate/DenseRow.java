package dev.nightjar.job.calibrate;

import java.io.Serializable;
import java.util.List;

/**
 * A row of the sample with the dense model's answer.
 *
 * @param index position in the sample
 * @param prompt token ids
 * @param answer token ids generated at full depth, the end of the sequence included
 * @param text the answer
 * @param gold values of the gold columns
 */
record DenseRow(
    int index, String rank, String key, int[] prompt, int[] answer, String text, List<String> gold)
    implements Serializable {

  /** Prompt and all generated tokens that were fed back: all but the last. */
  int[] fed() {
    int[] tokens = java.util.Arrays.copyOf(prompt, prompt.length + answer.length - 1);
    System.arraycopy(answer, 0, tokens, prompt.length, answer.length - 1);
    return tokens;
  }
}
