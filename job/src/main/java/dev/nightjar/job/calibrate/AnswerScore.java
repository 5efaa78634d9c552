package dev.nightjar.job.calibrate;

import dev.nightjar.job.quality.Task;
import java.util.List;

/**
 * Compares answers with the dense model's and, where there are gold values, with those. Loss of a
 * row is in [0, 1]: without gold values 1 where the text differs from the dense answer; with gold
 * values the share of right values that the dense answer has more.
 */
final class AnswerScore {
  private final boolean gold;
  private final Task task;

  AnswerScore(CalibrationOptions options) {
    this.gold = options.gold();
    this.task = task(options);
  }

  private static Task task(CalibrationOptions options) {
    if (!options.gold()) {
      return new Task.Agreement();
    }
    return options.goldFields().isEmpty()
        ? new Task.Exact(options.goldColumn())
        : new Task.JsonFields(options.goldFields());
  }

  /** Sums up the answers of a policy; both lists are in the same order. */
  Trial trial(List<DenseRow> rows, List<Answer> answers) {
    double lossSum = 0;
    double scoreSum = 0;
    int agreed = 0;
    double flops = 0;
    double flopsFull = 0;
    long executed = 0;
    long cells = 0;
    for (int i = 0; i < rows.size(); i++) {
      DenseRow row = rows.get(i);
      Answer answer = answers.get(i);
      lossSum += loss(row, answer.text());
      scoreSum += gold ? score(row, answer.text()) : 0;
      agreed += row.text().equals(answer.text()) ? 1 : 0;
      flops += answer.flops();
      flopsFull += answer.flopsFull();
      executed += answer.executed();
      cells += answer.cells();
    }
    double score = gold && !rows.isEmpty() ? scoreSum / rows.size() : -1;
    return new Trial(rows.size(), lossSum, agreed, score, flops, flopsFull, executed, cells);
  }

  /** The loss of one answer; null is an answer that failed. */
  double loss(DenseRow row, String text) {
    if (row.text().equals(text)) {
      return 0;
    }
    return gold ? Math.max(0, score(row, row.text()) - score(row, text)) : 1;
  }

  /** Share of gold values that are right, by the strict reading of {@link Task}. */
  double score(DenseRow row, String text) {
    double[] scores = task.score(text, Task.parse(text), row.gold());
    int single = scores.length == 1 ? 0 : 1;
    double sum = 0;
    for (int i = single; i < scores.length; i++) {
      sum += scores[i];
    }
    return sum / (scores.length - single);
  }
}
