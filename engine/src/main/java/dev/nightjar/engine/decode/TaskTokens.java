package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.constraint.Constraint;
import dev.nightjar.engine.constraint.Constraints;
import dev.nightjar.engine.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a task adds to its prompt, in tokens. An answer prefix and a label are encoded together, as
 * the model would have generated them; the tokens that the prefix alone and all answers begin with
 * are the prefix, what follows is scored.
 *
 * @param prefix tokens that all answers begin with; they count as prompt
 * @param labels what is scored behind them, or null
 * @param constraint what is written there must fit, or null
 * @param atLeast tokens that must fit behind the prompt and the prefix
 * @param atMost most tokens that the row may have there
 */
record TaskTokens(int[] prefix, LabelTrie labels, Constraint constraint, int atLeast, int atMost) {
  private static final int[] NOTHING = {};

  /**
   * The tokens of a task.
   *
   * @throws EngineException when labels cannot be told apart by their tokens, or no text can fit
   *     the response format
   */
  static TaskTokens of(Task task, Tokenizer tokenizer, Constraints constraints) {
    return switch (task) {
      case Task.Generate(var sampling) -> of(sampling, constraints.of(sampling.format()));
      case Task.Choose choose -> of(choose.labels(), choose.answerPrefix(), tokenizer);
      case Task.Score score -> of(List.of(score.continuation()), score.answerPrefix(), tokenizer);
      case Task.Embed embed -> new TaskTokens(NOTHING, null, null, 0, 0);
    };
  }

  private static TaskTokens of(SamplingParams sampling, Constraint constraint) {
    int least = constraint == null ? 1 : constraint.minTokens();
    if (least > sampling.maxTokens()) {
      throw invalid(
          "max-tokens is "
              + sampling.maxTokens()
              + ", the shortest text that fits the response format takes "
              + least
              + " tokens; raise max-tokens");
    }
    return new TaskTokens(NOTHING, null, constraint, least, sampling.maxTokens());
  }

  private static TaskTokens of(List<String> labels, String answerPrefix, Tokenizer tokenizer) {
    int[] prefix = tokenizer.encode(answerPrefix);
    int[][] answers = new int[labels.size()][];
    int common = prefix.length;
    for (int i = 0; i < answers.length; i++) {
      answers[i] = tokenizer.encode(answerPrefix + labels.get(i));
      int differs = Arrays.mismatch(prefix, answers[i]);
      common = differs < 0 ? common : Math.min(common, differs);
    }
    Map<List<Integer>, String> seen = new HashMap<>();
    for (int i = 0; i < answers.length; i++) {
      answers[i] = Arrays.copyOfRange(answers[i], common, answers[i].length);
      String label = labels.get(i);
      if (answers[i].length == 0) {
        throw invalid("label \"" + label + "\" has no tokens of its own; use visible characters");
      }
      String same = seen.put(Arrays.stream(answers[i]).boxed().toList(), label);
      if (same != null) {
        throw invalid(
            "labels \"" + same + "\" and \"" + label + "\" have the same tokens; remove one");
      }
    }
    LabelTrie trie = new LabelTrie(answers);
    int depth = trie.depth();
    return new TaskTokens(Arrays.copyOf(prefix, common), trie, null, depth, depth);
  }

  private static EngineException invalid(String message) {
    return new EngineException(ErrorCode.INVALID_OPTION, message);
  }

  /** The prompt with the prefix behind it. */
  int[] behind(int[] prompt) {
    if (prefix.length == 0) {
      return prompt;
    }
    int[] all = Arrays.copyOf(prompt, prompt.length + prefix.length);
    System.arraycopy(prefix, 0, all, prompt.length, prefix.length);
    return all;
  }
}
