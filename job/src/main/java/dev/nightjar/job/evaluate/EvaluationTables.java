package dev.nightjar.job.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** An evaluation as tables for people: what it is worth, and what it costs. */
final class EvaluationTables {
  private static final String NOTHING = "-";

  private final Evaluation evaluation;
  private final List<String> names;
  private final Set<String> front;

  EvaluationTables(Evaluation evaluation) {
    this.evaluation = evaluation;
    this.names = evaluation.specs().stream().map(result -> result.spec().text()).toList();
    this.front =
        evaluation.front().stream().map(ParetoFront.Point::name).collect(Collectors.toSet());
  }

  /** Metrics in percent; the main one with its interval and its paired difference to dense. */
  TextTable quality() {
    String main = evaluation.options().metric();
    List<String> others =
        Metrics.names(evaluation.options().task()).stream()
            .filter(name -> !name.equals(main) && isTold(name))
            .toList();
    boolean scored = evaluation.specs().stream().anyMatch(r -> r.perplexity().isPresent());
    List<String> header = new ArrayList<>(List.of("#", "depth", "kind", main + " %", "to dense"));
    others.forEach(name -> header.add(name + " %"));
    if (scored) {
      header.add("perplexity");
    }
    header.addAll(List.of("errors", "front"));
    TextTable table = new TextTable(header);
    for (int i = 0; i < evaluation.specs().size(); i++) {
      SpecResult result = evaluation.specs().get(i);
      Metric metric = result.metric(main);
      boolean dense = i == 0;
      List<String> row = new ArrayList<>();
      row.add(String.valueOf(i + 1));
      row.add(result.spec().shortText());
      row.add(kind(result.spec()));
      row.add(percent(metric.value(), "%.1f"));
      row.add(dense ? NOTHING : percent(metric.difference(), "%+.1f"));
      others.forEach(name -> row.add(percent(result.metric(name).value().estimate(), "%.1f")));
      if (scored) {
        row.add(result.perplexity().map(EvaluationTables::perplexity).orElse(NOTHING));
      }
      row.add(String.valueOf(result.rows().errors()));
      row.add(front.contains(result.spec().text()) ? "*" : "");
      table.add(row);
    }
    return table;
  }

  /** Whether a metric says something: JSON validity does only where some answer is JSON. */
  private boolean isTold(String name) {
    return !name.equals(Metrics.JSON_VALID)
        || evaluation.specs().stream().anyMatch(r -> r.metric(name).value().estimate() > 0);
  }

  /** Work, prompt and completion apart. */
  TextTable compute() {
    TextTable table =
        new TextTable(
            List.of(
                "#",
                "depth",
                "prompt cells %",
                "completion cells %",
                "attention layers",
                "FFN layers",
                "FLOPs",
                "FLOPs of run",
                "KV bytes",
                "rows/s",
                "min-max",
                "batch"));
    for (int i = 0; i < evaluation.specs().size(); i++) {
      SpecResult result = evaluation.specs().get(i);
      ComputeSums sums = result.compute();
      table.add(
          List.of(
              String.valueOf(i + 1),
              result.spec().shortText(),
              percent(sums.promptShare(), "%.1f"),
              percent(sums.completionShare(), "%.1f"),
              number("%.2f", sums.attentionLayers()),
              number("%.2f", sums.feedForwardLayers()),
              number("%.3f", sums.flopsRatio()),
              number("%.3f", result.flopsToDenseRun()),
              number("%.3f", sums.kvRatio()),
              result.rate().map(rate -> number("%.2f", rate.median())).orElse(NOTHING),
              result
                  .rate()
                  .map(rate -> number("%.2f", rate.min()) + "-" + number("%.2f", rate.max()))
                  .orElse(NOTHING),
              number("%.1f", result.meanBatch())));
    }
    return table;
  }

  /** What the columns mean. */
  List<String> notes() {
    SpecResult dense = evaluation.specs().getFirst();
    return List.of(
        String.format(
            Locale.ROOT,
            "%,d rows in %d shards on %s (%d layers); %s bootstrap intervals of %,d resamples.",
            dense.rows().scored(),
            evaluation.numShards(),
            evaluation.model().name(),
            evaluation.model().layers(),
            percent(evaluation.options().confidence(), "%.0f %%"),
            evaluation.options().resamples()),
        "kind: '= 2, 3' marks a baseline that runs as many operations as specs 2 and 3."
            + " to dense: paired difference in points. front: not beaten in both FLOPs and "
            + evaluation.options().metric()
            + ".",
        "cells: (token, layer) pairs that ran. FLOPs: over those of the dense model on the same"
            + " tokens, gates and probes included; of run: over those of the dense run, whose"
            + " answers may have another length. KV bytes: over dense, same tokens. rows/s: over"
            + " dense in the same shard and process, median and range over shards.");
  }

  private String kind(PlannedSpec spec) {
    String family = spec.family().label();
    if (spec.baselineOf().isEmpty()) {
      return family;
    }
    return family
        + " = "
        + spec.baselineOf().stream()
            .map(text -> String.valueOf(names.indexOf(text) + 1))
            .collect(Collectors.joining(", "));
  }

  private static String perplexity(Metric metric) {
    Interval value = metric.value();
    return number("%.3f", value.estimate())
        + " ["
        + number("%.3f", value.low())
        + ", "
        + number("%.3f", value.high())
        + "]";
  }

  private static String percent(Interval interval, String format) {
    return percent(interval.estimate(), format)
        + " ["
        + percent(interval.low(), format)
        + ", "
        + percent(interval.high(), format)
        + "]";
  }

  private static String percent(double share, String format) {
    return number(format, 100 * share);
  }

  private static String number(String format, double value) {
    String text = String.format(Locale.ROOT, format, value);
    return text.matches("[-+]0[.0]*") ? text.substring(1) : text;
  }
}
