package dev.nightjar.job.report;

import java.util.Locale;

/**
 * A chart's drawing area and axes, in SVG units: {@link #WIDTH} of them are the width of a column
 * of the page, so that text is as large as the page's.
 *
 * @param title what is drawn
 * @param xLabel name and unit of the horizontal axis
 * @param yLabel name and unit of the vertical axis
 */
record Frame(String title, String xLabel, String yLabel, int height) {
  static final int WIDTH = 480;
  static final int LEFT = 58;
  static final int RIGHT = 10;
  static final int TOP = 8;
  static final int BOTTOM = 44;

  /** Pixels between a tick and its text. */
  private static final int GAP = 5;

  int plotWidth() {
    return WIDTH - LEFT - RIGHT;
  }

  int plotHeight() {
    return height - TOP - BOTTOM;
  }

  int floor() {
    return height - BOTTOM;
  }

  /**
   * Opens the picture, with its title and a description for those who cannot see it.
   *
   * @param id unique in the page
   */
  void open(Markup out, String id, String description) {
    out.open(
        "svg",
        "viewBox",
        "0 0 " + WIDTH + " " + height,
        "role",
        "img",
        "aria-labelledby",
        id + "-title " + id + "-description");
    out.leaf("title", title, "id", id + "-title");
    out.leaf("desc", description, "id", id + "-description");
    text(out, "axis", LEFT + plotWidth() / 2.0, height - 6.0, "middle", xLabel);
    double middle = TOP + plotHeight() / 2.0;
    out.leaf(
        "text",
        yLabel,
        "class",
        "axis",
        "text-anchor",
        "middle",
        "transform",
        "translate(13 " + number(middle) + ") rotate(-90)");
  }

  /** The tick text of a place on the vertical axis. */
  void yTick(Markup out, double y, String label) {
    text(out, "tick", LEFT - GAP, y + 4, "end", label);
  }

  /** The tick text of a place on the horizontal axis. */
  void xTick(Markup out, double x, String label) {
    text(out, "tick", x, floor() + 16.0, "middle", label);
  }

  /** A line across the plot. */
  void gridLine(Markup out, double y) {
    out.empty(
        "line",
        "class",
        "grid",
        "x1",
        number(LEFT),
        "x2",
        number(LEFT + plotWidth()),
        "y1",
        number(y),
        "y2",
        number(y));
  }

  static void text(Markup out, String style, double x, double y, String anchor, String text) {
    out.leaf("text", text, "class", style, "x", number(x), "y", number(y), "text-anchor", anchor);
  }

  /** A rectangle that tells what it is when pointed at. */
  static void box(
      Markup out, String style, double x, double y, double width, double height, String hint) {
    out.open(
            "rect",
            "class",
            style,
            "x",
            number(x),
            "y",
            number(y),
            "width",
            number(width),
            "height",
            number(height))
        .leaf("title", hint)
        .close();
  }

  /** A coordinate. */
  static String number(double value) {
    String text = String.format(Locale.ROOT, "%.2f", value);
    return text.replaceFirst("\\.?0+$", "");
  }

  /**
   * The distance between ticks from 0 to {@code most}: 1, 2 or 5 times a power of ten, so that
   * there are at most {@code count}.
   */
  static double tickStep(double most, int count) {
    double least = Math.max(most, 1e-9) / count;
    double power = Math.pow(10, Math.floor(Math.log10(least)));
    for (double factor : new double[] {1, 2, 5}) {
      if (factor * power >= least * (1 - 1e-9)) {
        return factor * power;
      }
    }
    return 10 * power;
  }
}
