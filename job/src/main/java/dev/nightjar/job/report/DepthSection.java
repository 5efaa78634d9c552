package dev.nightjar.job.report;

import dev.nightjar.job.report.BarChart.Arrangement;
import dev.nightjar.job.report.BarChart.Series;
import dev.nightjar.udfs.PositionProfile;
import dev.nightjar.udfs.RunProfile;
import java.util.ArrayList;
import java.util.List;

/** The part of the page that says how deep tokens and rows went. */
record DepthSection(ReportData data, Markup out) {
  /** Writes it, unless no row reached the model. */
  void write() {
    if (data.run().work().numLayers() == 0) {
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
    int layers = data.run().work().numLayers();
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
            numbers(data.run().work().numLayers() + 1),
            List.of(
                shares(ReportPage.PROMPT, "s0", profile.prompt()),
                shares(ReportPage.ANSWER, "s2", profile.completion())),
            Arrangement.BESIDE,
            v -> Figures.decimal(v, 1) + " %")
        .write(out);
  }

  private Series shares(String name, String style, PositionProfile profile) {
    double[] values = new double[data.run().work().numLayers() + 1];
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
}
