package dev.nightjar.job.evaluate;

import dev.nightjar.udfs.ResultSchema;
import java.util.List;

/**
 * How rows ended.
 *
 * @param scored rows that count in the metrics: those with an answer or an error
 * @param errors rows with an error; they are wrong in every metric
 * @param withoutPrompt rows with a null prompt, left out of the metrics
 */
record RowCounts(long scored, long errors, long withoutPrompt) {
  static RowCounts of(List<Answer> answers) {
    long errors = count(answers, ResultSchema.ERROR);
    long withoutPrompt = count(answers, ResultSchema.SKIPPED_NULL);
    return new RowCounts(answers.size() - withoutPrompt, errors, withoutPrompt);
  }

  private static long count(List<Answer> answers, String status) {
    return answers.stream().filter(answer -> answer.status().equals(status)).count();
  }
}
