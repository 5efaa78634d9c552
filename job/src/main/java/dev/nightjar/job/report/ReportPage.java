package dev.nightjar.job.report;

import dev.nightjar.job.ProgressReporter;
import dev.nightjar.job.report.BarChart.Arrangement;
import dev.nightjar.job.report.BarChart.Series;
import dev.nightjar.job.report.ReportData.Interval;
import dev.nightjar.job.report.ReportData.RowLine;
import dev.nightjar.udfs.RowDepth;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.function.ToLongFunction;

/**
 * The page: one HTML document with its style and pictures in it, which needs nothing else and runs
 * no script.
 */
final class ReportPage {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  static final String PROMPT = "prompt";
  static final String ANSWER = "answer";

  private final ReportData data;
  private final RunFacts run;
  private final Markup out = new Markup();

  private ReportPage(ReportData data) {
    this.data = data;
    this.run = data.run();
  }

  /** The document. */
  static String html(ReportData data) {
    return new ReportPage(data).write();
  }

  private String write() {
    out.open("html", "lang", "en").open("head");
    out.empty("meta", "charset", "utf-8");
    out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    out.empty(
        "meta",
        "http-equiv",
        "Content-Security-Policy",
        "content",
        "default-src 'none'; style-src 'unsafe-inline'");
    out.leaf("title", "Nightjar run " + Figures.shorten(run.runId(), 60));
    out.leaf("style", style()).close();
    out.open("body");
    head();
    comparison();
    time();
    new DepthSection(data, out).write();
    outcomes();
    rows();
    foot();
    return out.close().close().toString();
  }

  private static String style() {
    try (InputStream in = ReportPage.class.getResourceAsStream("report.css")) {
      return "\n" + new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String time(Instant instant) {
    return TIME.format(instant);
  }

  private void head() {
    out.leaf("h1", "Nightjar run");
    out.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "%s, depth %s; %s to %s; run %s",
            run.model(),
            run.depth() == null ? "unknown" : run.depth(),
            time(run.started()),
            time(run.finished()),
            run.runId()),
        "class",
        "soft");
    out.open("dl", "class", "cards");
    card("Rows", Figures.count(run.rows().all()), Figures.count(run.rows().ok()) + " answered");
    card(
        "Errors",
        Figures.count(run.rows().error()),
        Figures.percent(run.errorRate()) + " of the rows");
    card(
        "Time",
        ProgressReporter.duration(run.seconds()),
        ProgressReporter.duration(run.work().cpuSeconds()) + " of cores in the model");
    card(
        "Rows per second",
        Figures.decimal(run.rowsPerSecond(), 2),
        Figures.compact(run.tokensPerSecond()) + " tokens per second");
    card(
        "Prompt tokens",
        Figures.compact(run.tokens().prompt()),
        Figures.compact(run.tokens().cached()) + " computed once for several rows");
    card(
        "Answer tokens",
        Figures.compact(run.tokens().completion()),
        Figures.count(run.rows().truncated()) + " answers cut at the limit");
    card(
        "Layers per token",
        Figures.decimal(run.meanLayers(), 2),
        "of " + run.work().numLayers() + "; " + Figures.percent(run.cellsSaved()) + " skipped");
    card(
        "Compute saved",
        Figures.percent(run.computeSaved()),
        Figures.compact(run.work().flops())
            + " of "
            + Figures.compact(run.work().flopsFull())
            + " FLOPs");
    out.close();
  }

  private void card(String name, String value, String note) {
    out.open("div").leaf("dt", name).leaf("dd", value).leaf("dd", note, "class", "note").close();
  }

  private void comparison() {
    if (data.previous().isEmpty()) {
      return;
    }
    RunFacts before = data.previous().get();
    out.leaf("h2", "Compared with the previous run");
    out.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "Run %s of %s, %s, depth %s.",
            before.runId(),
            time(before.started()),
            before.model(),
            before.depth()),
        "class",
        "soft");
    DataTable table = new DataTable("figure", "this run", "previous run", "change");
    compare(table, "Rows", run.rows().all(), before.rows().all(), v -> Figures.decimal(v, 0));
    compare(
        table,
        "Rows per second",
        run.rowsPerSecond(),
        before.rowsPerSecond(),
        v -> Figures.decimal(v, 2));
    compare(
        table,
        "Tokens per second",
        run.tokensPerSecond(),
        before.tokensPerSecond(),
        v -> Figures.decimal(v, 0));
    compare(
        table,
        "Layers per token",
        run.meanLayers(),
        before.meanLayers(),
        v -> Figures.decimal(v, 2));
    points(table, "Compute saved", run.computeSaved(), before.computeSaved());
    points(table, "Rows with errors", run.errorRate(), before.errorRate());
    points(
        table,
        "Answers cut at the limit",
        run.share(run.rows().truncated()),
        before.share(before.rows().truncated()));
    points(
        table,
        "Duplicates",
        run.share(run.rows().deduplicated()),
        before.share(before.rows().deduplicated()));
    table.write(out);
  }

  private static void compare(
      DataTable table, String name, double now, double before, DoubleFunction<String> format) {
    String change =
        before == 0 ? "" : String.format(Locale.ROOT, "%+.1f %%", 100 * (now / before - 1));
    table.row(name, format.apply(now), format.apply(before), change);
  }

  private static void points(DataTable table, String name, double now, double before) {
    table.row(
        name,
        Figures.percent(now),
        Figures.percent(before),
        String.format(Locale.ROOT, "%+.1f points", 100 * (now - before)));
  }

  private void time() {
    out.leaf("h2", "Throughput and errors over time");
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < data.time().size(); i++) {
      labels.add(ProgressReporter.duration((double) i * data.intervalSeconds()));
    }
    String x = "time since the start, " + data.intervalSeconds() + " s each";
    out.open("div", "class", "charts");
    new BarChart(
            "rows-over-time",
            "Rows",
            x,
            "rows per second",
            labels,
            List.of(
                rate("without error", "s0", i -> i.rows() - i.errors()),
                rate("with an error", "s1", Interval::errors)),
            Arrangement.STACKED,
            v -> Figures.decimal(v, 2))
        .write(out);
    new BarChart(
            "tokens-over-time",
            "Tokens of the rows that ended",
            x,
            "tokens per second",
            labels,
            List.of(
                rate(PROMPT, "s0", Interval::promptTokens),
                rate(ANSWER, "s2", Interval::completionTokens)),
            Arrangement.STACKED,
            v -> Figures.decimal(v, 0))
        .write(out);
    out.close();
  }

  private Series rate(String name, String style, ToLongFunction<Interval> count) {
    double[] rates =
        data.time().stream()
            .mapToDouble(i -> (double) count.applyAsLong(i) / data.intervalSeconds())
            .toArray();
    return new Series(name, style, rates);
  }

  private void outcomes() {
    out.leaf("h2", "How rows ended");
    DataTable reasons = new DataTable("finish reason, or status", "rows", "share");
    data.finishReasons()
        .forEach(group ->
            reasons.row(
                group.name(),
                Figures.count(group.rows()),
                Figures.percent(run.share(group.rows()))));
    reasons.write(out);
    if (data.errors().isEmpty()) {
      out.leaf("p", "No row has an error.");
      return;
    }
    DataTable errors =
        new DataTable("error", "rows", "retriable", "first row's key", "its message").textFrom(3);
    data.errors()
        .forEach(group ->
            errors.row(
                group.code(),
                Figures.count(group.rows()),
                group.retriable() ? "yes" : "no",
                group.key(),
                group.message()));
    errors.write(out);
  }

  private void rows() {
    out.leaf("h2", "Slowest rows");
    lines(data.slowest());
    data.profile().ifPresent(profile -> tokens(profile.slowest()));
    out.leaf("h2", "Shallowest rows");
    lines(data.shallowest());
    data.profile().ifPresent(profile -> tokens(profile.shallowest()));
  }

  private void lines(List<RowLine> lines) {
    DataTable table =
        new DataTable(
            "row",
            "ended",
            "prompt tokens",
            "answer tokens",
            "ms in the model",
            "layers per token",
            "compute saved");
    for (RowLine line : lines) {
      table.row(
          line.key(),
          line.finishReason(),
          Figures.count(line.promptTokens()),
          Figures.count(line.completionTokens()),
          Figures.decimal(line.cpuMillis(), 1),
          Figures.decimal(line.meanLayers(), 2),
          Figures.percent(line.computeSaved()));
    }
    table.write(out);
  }

  private void tokens(List<RowDepth> rows) {
    if (rows.stream().noneMatch(row -> row.prompt().size() + row.completion().size() > 0)) {
      return;
    }
    HeatChart.writeScale(out, "a token's colour: 0 layers", run.work().numLayers() + " layers");
    rows.forEach(row -> new TokenStrip(row, run.work().numLayers()).write(out));
  }

  private void foot() {
    out.open("footer").leaf("h2", "Settings");
    DataTable table = new DataTable("setting", "value").textFrom(1);
    table.row("model fingerprint", String.valueOf(run.fingerprint()));
    table.row("run date", run.runDate());
    table.row("options", data.options());
    table.write(out);
    out.close();
  }
}
