package dev.nightjar.job.demo;

import dev.nightjar.job.RunSummary;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.apache.spark.sql.SparkSession;

/** Prints the demo's comparison and its queries. */
final class DemoReport {
  private static final int NAME_WIDTH = 22;
  private static final int VALUE_WIDTH = 18;

  /** One run with its quality. */
  record Column(String name, RunSummary summary, DemoScore score) {}

  /** A query worth showing. */
  private record Query(String title, String sql) {}

  private static final List<Query> QUERIES =
      List.of(
          new Query(
              "Accuracy by class",
              """
              SELECT label, topic, count(*) AS mails,
                     round(100 * avg(CAST(answer.label <=> label AS INT)), 1) AS label_right,
                     round(100 * avg(CAST(answer.topic <=> topic AS INT)), 1) AS topic_right,
                     round(avg(compute.mean_layers_per_token), 2) AS layers
              FROM (SELECT *, %s AS answer FROM results)
              GROUP BY label, topic ORDER BY label, mails DESC\
              """
                  .formatted(DemoScore.ANSWER)),
          new Query(
              "Layer heat map: which share of the computed tokens ran each layer",
              """
              SELECT layer, sum(slots) AS slots,
                     round(100 * sum(slots) / sum(computed), 1) AS percent,
                     repeat('#', CAST(40 * sum(slots) / sum(computed) AS INT)) AS heat
              FROM (SELECT compute, usage.prompt_tokens + usage.completion_tokens - 1
                      - coalesce(usage.prompt_tokens_details.cached_tokens, 0) AS computed
                    FROM results)
              LATERAL VIEW posexplode(compute.layer_executions) AS layer, slots
              GROUP BY layer ORDER BY layer\
              """),
          new Query(
              "Slowest rows",
              """
              SELECT custom_id, label, usage.prompt_tokens, usage.completion_tokens,
                     round(metrics.cpu_time_ms, 1) AS cpu_ms,
                     round(compute.mean_layers_per_token, 2) AS layers, left(subject, 30) AS subject
              FROM results ORDER BY metrics.cpu_time_ms DESC LIMIT 5\
              """));

  private final PrintStream out;

  DemoReport(PrintStream out) {
    this.out = out;
  }

  /** The runs side by side. */
  void comparison(List<Column> columns) {
    out.println();
    line("", columns, Column::name);
    line("label right", columns, c -> percent(c.score().label()));
    line("topic right", columns, c -> percent(c.score().topic()));
    line("sender right", columns, c -> percent(c.score().sender()));
    line("date right", columns, c -> percent(c.score().date()));
    line("all four right", columns, c -> percent(c.score().allFields()));
    line("valid JSON", columns, c -> percent(c.score().validJson()));
    line(
        "layers per token",
        columns,
        c ->
            String.format(
                Locale.ROOT,
                "%.2f of %d",
                c.summary().meanLayers(),
                c.summary().numHiddenLayers()));
    line("(token, layer) cells", columns, c -> percent(c.score().cells()));
    line("compute saved", columns, c -> percent(100 * c.summary().computeSaved()));
    line("rows/s", columns, c -> String.format(Locale.ROOT, "%.1f", c.summary().rowsPerSecond()));
    line(
        "tokens/s",
        columns,
        c -> String.format(Locale.ROOT, "%,.0f", c.summary().tokensPerSecond()));
    out.println();
  }

  private void line(String name, List<Column> columns, Function<Column, String> value) {
    StringBuilder line = new StringBuilder(pad(name, -NAME_WIDTH));
    for (Column column : columns) {
      line.append(pad(value.apply(column), VALUE_WIDTH));
    }
    out.println(line);
  }

  private static String pad(String text, int width) {
    return String.format(Locale.ROOT, "%" + width + "s", text);
  }

  private static String percent(double value) {
    return String.format(Locale.ROOT, "%.1f %%", value);
  }

  /** The queries with their results on the view {@code results}. */
  void queries(SparkSession spark) {
    for (Query query : QUERIES) {
      out.println("-- " + query.title());
      out.println(query.sql() + ";");
      out.flush();
      spark.sql(query.sql()).show(50, 40);
    }
  }
}
