package dev.nightjar.job.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Shares as colours: rows from the bottom up, columns from left to right, the numbers below.
 *
 * @param id unique in the page
 * @param columns labels of the columns
 * @param shares {@code [rows][columns]} in [0, 1]; NaN where there is nothing to have a share of
 */
record HeatChart(
    String id,
    String title,
    String xLabel,
    String yLabel,
    List<String> columns,
    double[][] shares) {
  /** Number of colours, from none to all. */
  static final int LEVELS = 11;

  private static final int MOST_HEIGHT = 400;
  private static final double LARGEST_CELL = 24;

  /** Cells of at least this size hold a number. */
  private static final double NUMBER_HEIGHT = 13;

  private static final double NUMBER_WIDTH = 26;
  private static final int ROW_LABEL = 14;

  HeatChart {
    columns = List.copyOf(columns);
  }

  /** The class of a share's colour. */
  static String level(double share) {
    return "h" + Math.clamp(Math.round(share * (LEVELS - 1)), 0, LEVELS - 1);
  }

  /** The scale of colours, for all charts and tokens of the page. */
  static void writeScale(Markup out, String from, String to) {
    out.open("p", "class", "legend scale").leaf("span", from, "class", "end");
    for (int level = 0; level < LEVELS; level++) {
      out.leaf("span", "", "class", "key h" + level);
    }
    out.leaf("span", to, "class", "end").close();
  }

  /** Writes picture, scale and numbers. */
  void write(Markup out) {
    int rows = shares.length;
    double cell = Math.min(LARGEST_CELL, (double) MOST_HEIGHT / rows);
    int height = (int) Math.ceil(Frame.TOP + rows * cell + Frame.BOTTOM);
    Frame frame = new Frame(title, xLabel, yLabel, height);
    out.open("figure").leaf("figcaption", title);
    writeScale(out, "0 %", "100 %");
    frame.open(out, id, description());
    int rowEvery = (int) Math.max(1, Math.ceil(ROW_LABEL / cell));
    double width = (double) frame.plotWidth() / columns.size();
    for (int row = 0; row < rows; row++) {
      double y = Frame.TOP + (rows - 1 - row) * cell;
      if (row % rowEvery == 0) {
        frame.yTick(out, y + cell / 2, String.valueOf(row));
      }
      for (int column = 0; column < columns.size(); column++) {
        cell(out, row, column, Frame.LEFT + column * width, y, width, cell);
      }
    }
    int columnEvery = (int) Math.max(1, Math.ceil(longestLabel() * 7 / width));
    for (int column = 0; column < columns.size(); column += columnEvery) {
      frame.xTick(out, Frame.LEFT + (column + 0.5) * width, columns.get(column));
    }
    out.close();
    table().writeFolded(out);
    out.close();
  }

  private int longestLabel() {
    return columns.stream().mapToInt(String::length).max().orElse(1);
  }

  private void cell(
      Markup out, int row, int column, double x, double y, double width, double height) {
    double share = shares[row][column];
    if (Double.isNaN(share)) {
      return;
    }
    String level = level(share);
    String hint =
        yLabel
            + " "
            + row
            + ", "
            + xLabel
            + " "
            + columns.get(column)
            + ": "
            + Figures.percent(share);
    Frame.box(out, level, x + 0.5, y + 0.5, width - 1, height - 1, hint);
    if (height >= NUMBER_HEIGHT && width >= NUMBER_WIDTH) {
      String number = String.valueOf(Math.round(100 * share));
      Frame.text(out, "cell t" + level, x + width / 2, y + height / 2 + 4, "middle", number);
    }
  }

  private String description() {
    return "A map of "
        + shares.length
        + " rows ("
        + yLabel
        + ") and "
        + columns.size()
        + " columns ("
        + xLabel
        + "); the darker or, on a dark page, the brighter, the larger the"
        + " share. The numbers are in the table below.";
  }

  private DataTable table() {
    List<String> header = new ArrayList<>(List.of(yLabel));
    header.addAll(columns);
    DataTable table = new DataTable(header);
    for (int row = shares.length - 1; row >= 0; row--) {
      List<String> cells = new ArrayList<>(List.of(String.valueOf(row)));
      for (double share : shares[row]) {
        cells.add(Double.isNaN(share) ? "" : Figures.percent(share));
      }
      table.row(cells);
    }
    return table;
  }
}
