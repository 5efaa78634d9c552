package dev.nightjar.job.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.job.quality.Task;
import dev.nightjar.udfs.ResultSchema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Scores the answers of one depth policy, each with its interval and its difference to dense. */
final class Metrics {
  /** Share of the answers that are a JSON object. */
  static final String JSON_VALID = "json_valid";

  /** Share of the answers that equal the dense run's. */
  static final String AGREEMENT = "agreement";

  private final Task task;
  private final Bootstrap bootstrap;

  Metrics(Task task, Bootstrap bootstrap) {
    this.task = task;
    this.bootstrap = bootstrap;
  }

  /** All metrics of a task: its own, then {@link #JSON_VALID} and {@link #AGREEMENT}. */
  static List<String> names(Task task) {
    List<String> names = new ArrayList<>(task.metrics());
    names.add(JSON_VALID);
    names.add(AGREEMENT);
    return names;
  }

  /** The metric that a table and a plot show first. */
  static String main(Task task) {
    return task.metrics().isEmpty() ? AGREEMENT : task.metrics().getFirst();
  }

  /**
   * The metrics of {@code answers}.
   *
   * @param dense the same rows, in the same order, under full depth
   */
  List<Metric> of(List<Answer> answers, List<Answer> dense) {
    if (answers.size() != dense.size()) {
      throw new IllegalStateException(
          answers.size() + " answers, but " + dense.size() + " of the dense run");
    }
    List<double[]> scores = new ArrayList<>();
    List<double[]> denseScores = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      Answer answer = answers.get(i);
      if (answer.row() != dense.get(i).row()) {
        throw new IllegalStateException("answers and those of the dense run are of other rows");
      }
      if (!answer.status().equals(ResultSchema.SKIPPED_NULL)) {
        scores.add(score(answer, dense.get(i)));
        denseScores.add(score(dense.get(i), dense.get(i)));
      }
    }
    List<String> names = names(task);
    List<Metric> metrics = new ArrayList<>();
    double[] ones = new double[scores.size()];
    Arrays.fill(ones, 1);
    for (int m = 0; m < names.size(); m++) {
      double[] values = column(scores, m);
      metrics.add(
          new Metric(
              names.get(m),
              bootstrap.mean(values, ones),
              bootstrap.difference(values, column(denseScores, m), ones)));
    }
    return metrics;
  }

  private double[] score(Answer answer, Answer dense) {
    Optional<JsonNode> json = Task.parse(answer.text());
    double[] own = task.score(answer.text(), json, answer.gold());
    double[] all = Arrays.copyOf(own, own.length + 2);
    all[own.length] = json.isPresent() ? 1 : 0;
    all[own.length + 1] = Objects.equals(answer.text(), dense.text()) ? 1 : 0;
    return all;
  }

  private static double[] column(List<double[]> scores, int metric) {
    double[] column = new double[scores.size()];
    for (int i = 0; i < column.length; i++) {
      column[i] = scores.get(i)[metric];
    }
    return column;
  }
}
