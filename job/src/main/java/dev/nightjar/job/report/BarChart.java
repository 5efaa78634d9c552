package dev.nightjar.job.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;

/**
 * Bars over categories, one or more series; with a legend where there are several, and the numbers
 * below.
 *
 * @param id unique in the page
 * @param labels of the categories, from left to right
 * @param arrangement of the series' bars in a category
 * @param format of a value, with its unit
 */
record BarChart(
    String id,
    String title,
    String xLabel,
    String yLabel,
    List<String> labels,
    List<Series> series,
    Arrangement arrangement,
    DoubleFunction<String> format) {
  private static final int HEIGHT = 240;
  private static final int Y_TICKS = 5;

  /** Width that a label of the horizontal axis takes for each character, and between two. */
  private static final double CHARACTER = 7;

  /** How series share a category. */
  enum Arrangement {
    /** On top of each other. */
    STACKED,
    /** Side by side. */
    BESIDE
  }

  /**
   * One value for each category.
   *
   * @param style class of its colour
   */
  record Series(String name, String style, double[] values) {}

  BarChart {
    labels = List.copyOf(labels);
    series = List.copyOf(series);
  }

  /** Writes picture, legend and numbers. */
  void write(Markup out) {
    out.open("figure").leaf("figcaption", title);
    legend(out);
    Frame frame = new Frame(title, xLabel, yLabel, HEIGHT);
    frame.open(out, id, description());
    double step = Frame.tickStep(highest(), Y_TICKS);
    double top = step * Math.max(1, Math.ceil(highest() / step - 1e-9));
    for (int i = 0; i * step <= top * (1 + 1e-9); i++) {
      double y = frame.floor() - i * step / top * frame.plotHeight();
      frame.gridLine(out, y);
      frame.yTick(out, y, Figures.compact(i * step));
    }
    bars(out, frame, top);
    xTicks(out, frame);
    out.close();
    table().writeFolded(out);
    out.close();
  }

  private void legend(Markup out) {
    if (series.size() < 2) {
      return;
    }
    out.open("p", "class", "legend");
    for (Series each : series) {
      out.open("span", "class", "entry")
          .leaf("span", "", "class", "key " + each.style())
          .text(each.name())
          .close();
    }
    out.close();
  }

  private String description() {
    return "Bars of "
        + yLabel
        + " by "
        + xLabel
        + "; the highest is "
        + format.apply(highest())
        + ". The numbers are in the table below.";
  }

  private double highest() {
    double most = 0;
    for (int i = 0; i < labels.size(); i++) {
      double sum = 0;
      for (Series each : series) {
        double value = each.values()[i];
        sum = arrangement == Arrangement.STACKED ? sum + value : Math.max(sum, value);
      }
      most = Math.max(most, sum);
    }
    return most;
  }

  private void bars(Markup out, Frame frame, double top) {
    double slot = (double) frame.plotWidth() / labels.size();
    double space = Math.min(6, slot * 0.2);
    boolean stacked = arrangement == Arrangement.STACKED;
    double width = (slot - space) / (stacked ? 1 : series.size());
    for (int i = 0; i < labels.size(); i++) {
      double floor = frame.floor();
      for (int s = 0; s < series.size(); s++) {
        double value = series.get(s).values()[i];
        double height = value / top * frame.plotHeight();
        double x = Frame.LEFT + i * slot + space / 2 + (stacked ? 0 : s * width);
        if (value > 0) {
          String hint = labels.get(i) + ": " + format.apply(value) + " " + series.get(s).name();
          Frame.box(out, series.get(s).style(), x, floor - height, width, height, hint);
        }
        floor -= stacked ? height : 0;
      }
    }
  }

  /** Labels so far apart that none touches the next. */
  private void xTicks(Markup out, Frame frame) {
    double slot = (double) frame.plotWidth() / labels.size();
    int longest = labels.stream().mapToInt(String::length).max().orElse(1);
    int every = (int) Math.max(1, Math.ceil(CHARACTER * (longest + 1) / slot));
    for (int i = 0; i < labels.size(); i += every) {
      frame.xTick(out, Frame.LEFT + (i + 0.5) * slot, labels.get(i));
    }
  }

  private DataTable table() {
    List<String> header = new ArrayList<>(List.of(xLabel));
    series.forEach(each -> header.add(series.size() == 1 ? yLabel : each.name()));
    DataTable table = new DataTable(header);
    for (int i = 0; i < labels.size(); i++) {
      List<String> row = new ArrayList<>(List.of(labels.get(i)));
      for (Series each : series) {
        row.add(format.apply(each.values()[i]));
      }
      table.row(row);
    }
    return table;
  }
}
