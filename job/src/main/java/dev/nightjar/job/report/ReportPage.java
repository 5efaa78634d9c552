package dev.nightjar.job.report;

import dev.nightjar.job.ProgressReporter;
import dev.nightjar.job.report.BarChart.Arrangement;
import dev.nightjar.job.report.BarChart.Series;
import dev.nightjar.job.report.ReportData.Interval;
import dev.nightjar.job.report.ReportData.RowLine;
import dev.nightjar.udfs.PositionProfile;
import dev.nightjar.udfs.RowDepth;
import dev.nightjar.udfs.RunProfile;
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

  private static final String PROMPT = "prompt";
  private static final String ANSWER = "answer";

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
    depth();
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

  private void depth() {
    if (run.work().numLayers() == 0) {
      return;
    }
    out.leaf("h2", "Depth");
    out.open("div", "class", "charts");
    if (data.profile().isPresent()) {
      RunProfile profile = data.profile().get();
      heat(
          "heat-prompt",
          "Share of the prompt tokens that ran each layer (%)",
          "token's position in the prompt",
          profile.prompt());
      heat(
          "heat-answer",
          "Share of the answer tokens that ran each layer (%)",
          "token's number in the answer",
          profile.completion());
      tokenDepths(profile);
    } else {
      layers();
    }
    bars(
        "row-depths",
        "Rows by depth",
        "share of the layers that a row's tokens ran, in steps of 5 %",
        "rows",
        stepLabels(),
        data.rowDepths());
    bars(
        "exits",
        "Answer tokens by exit layer",
        "layers below the head that produced the token",
        "tokens",
        numbers(data.exits().size()),
        data.exits());
    out.close();
    data.profile()
        .ifPresentOrElse(
            profile -> coverage(profile.rows()),
            () ->
                out.leaf(
                    "p",
                    "Depth by position is not known: the ledger has no profile of this run.",
                    "class",
                    "soft"));
  }

  private void coverage(long rows) {
    out.leaf(
        "p",
        "Maps and token depths are of "
            + Figures.count(rows)
            + " rows. The last prompt token produces the answer's first and counts as it; tokens"
            + " that were computed for another row are left out.",
        "class",
        "soft");
  }

  private void heat(String id, String title, String axis, PositionProfile profile) {
    int layers = run.work().numLayers();
    int first = 0;
    while (first < profile.slots().size() && profile.slots().get(first) == 0) {
      first++;
    }
    if (first == profile.slots().size()) {
      return;
    }
    List<String> columns = new ArrayList<>();
    double[][] shares = new double[layers][profile.slots().size() - first];
    for (int bucket = first; bucket < profile.slots().size(); bucket++) {
      int from = PositionProfile.firstPosition(bucket);
      columns.add(bucket < 2 ? String.valueOf(from) : Figures.compact(from) + "+");
      long slots = profile.slots().get(bucket);
      for (int layer = 0; layer < layers; layer++) {
        long ran = profile.executions().get(bucket).get(layer);
        shares[layer][bucket - first] = slots == 0 ? Double.NaN : (double) ran / slots;
      }
    }
    new HeatChart(id, title, axis, "layer", columns, shares).write(out);
  }

  private void layers() {
    new BarChart(
            "layers",
            "Tokens that ran each layer",
            "layer",
            "% of the computed tokens",
            numbers(data.layerShares().size()),
            List.of(
                new Series(
                    "tokens",
                    "s0",
                    data.layerShares().stream().mapToDouble(share -> 100 * share).toArray())),
            Arrangement.STACKED,
            v -> Figures.decimal(v, 1) + " %")
        .write(out);
  }

  private void tokenDepths(RunProfile profile) {
    new BarChart(
            "token-depths",
            "Tokens by depth",
            "layers that a token ran",
            "% of the tokens",
            numbers(run.work().numLayers() + 1),
            List.of(
                shares(PROMPT, "s0", profile.prompt()), shares(ANSWER, "s2", profile.completion())),
            Arrangement.BESIDE,
            v -> Figures.decimal(v, 1) + " %")
        .write(out);
  }

  private Series shares(String name, String style, PositionProfile profile) {
    double[] values = new double[run.work().numLayers() + 1];
    for (int i = 0; i < Math.min(values.length, profile.depths().size()); i++) {
      values[i] = 100.0 * profile.depths().get(i) / Math.max(1, profile.total());
    }
    return new Series(name, style, values);
  }

  private void bars(
      String id, String title, String x, String y, List<String> labels, List<Long> counts) {
    double[] values = counts.stream().mapToDouble(Long::doubleValue).toArray();
    new BarChart(
            id,
            title,
            x,
            y,
            labels,
            List.of(new Series(y, "s0", values)),
            Arrangement.STACKED,
            v -> Figures.count((long) v))
        .write(out);
  }

  private static List<String> stepLabels() {
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < ReportData.DEPTH_STEPS; i++) {
      labels.add(100 * i / ReportData.DEPTH_STEPS + " %");
    }
    return labels;
  }

  private static List<String> numbers(int count) {
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      labels.add(String.valueOf(i));
    }
    return labels;
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
