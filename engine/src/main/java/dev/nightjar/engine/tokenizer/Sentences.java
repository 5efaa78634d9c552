package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/** Where the sentences of a prompt end. */
public final class Sentences {
  private Sentences() {}

  /**
   * Ends of sentences, exclusive: behind a full stop, exclamation or question mark that white space
   * follows, and behind a line break; each at least so many tokens behind the one before. The last
   * one is the end of the prompt.
   */
  public static int[] ends(int[] prompt, int minTokens, Tokenizer tokenizer) {
    int[] ends = new int[prompt.length];
    int count = 0;
    int start = 0;
    for (int i = 1; i < prompt.length; i++) {
      byte[] before = tokenizer.tokenBytes(prompt[i - 1], false);
      byte[] next = tokenizer.tokenBytes(prompt[i], false);
      if (i - start >= minTokens && endsSentence(before, next)) {
        ends[count++] = i;
        start = i;
      }
    }
    ends[count++] = prompt.length;
    return Arrays.copyOf(ends, count);
  }

  private static boolean endsSentence(byte[] before, byte[] next) {
    for (byte b : before) {
      if (b == '\n') {
        return true;
      }
    }
    if (before.length == 0) {
      return false;
    }
    byte last = before[before.length - 1];
    boolean mark = last == '.' || last == '!' || last == '?';
    return mark && next.length > 0 && (next[0] == ' ' || next[0] == '\n' || next[0] == '\r');
  }
}
