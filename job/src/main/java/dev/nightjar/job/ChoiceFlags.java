package dev.nightjar.job;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.Task;
import java.util.List;
import picocli.CommandLine.Option;

/** Flags of labels that rows choose among instead of generating text. */
public final class ChoiceFlags {
  @Option(
      names = "--labels",
      split = ",",
      required = true,
      paramLabel = "A,B",
      description = "Choose the likeliest of these labels instead of generating text.")
  private List<String> labels;

  @Option(
      names = "--answer-prefix",
      defaultValue = "",
      paramLabel = "TEXT",
      description = "How the answer begins, before the label.")
  private String answerPrefix;

  @Option(
      names = "--mean-length",
      description = "Compare labels by the mean log-probability of their tokens, not by the sum.")
  private boolean mean;

  /**
   * What rows do.
   *
   * @throws EngineException when the labels are not fit to choose among
   */
  public Task.Choose task() {
    Task.Length length = mean ? Task.Length.MEAN : Task.Length.SUM;
    return new Task.Choose(labels, answerPrefix, length);
  }
}
