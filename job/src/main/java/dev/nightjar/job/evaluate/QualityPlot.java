package dev.nightjar.job.evaluate;

import dev.nightjar.job.evaluate.PlannedSpec.Family;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Line2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.ChartTheme;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * Draws quality against compute: one point per spec with its confidence interval, and the Pareto
 * front. Needs no display.
 */
final class QualityPlot {
  /** Width in pixels. */
  static final int WIDTH = 1100;

  /** Height in pixels. */
  static final int HEIGHT = 760;

  private static final String SVG = "http://www.w3.org/2000/svg";
  private static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
  private static final Font AXIS = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 15);
  private static final Color FRONT = new Color(0x9A9A9A);
  private static final Color INK = new Color(0x222222);
  private static final double WHISKER = 4;
  private static final String COST = "FLOPs executed / FLOPs of the dense model on the same tokens";
  private static final String UNIT = " (% of rows)";

  /**
   * One point.
   *
   * @param cost operations over dense
   * @param quality in percent
   */
  record Point(String label, Family family, double cost, Interval quality) {}

  private final String title;
  private final String metric;
  private final List<Point> points;
  private final List<ParetoFront.Point> front;
  private final double lowest;

  private QualityPlot(
      String title,
      String metric,
      List<Point> points,
      List<ParetoFront.Point> front,
      double lowest) {
    this.title = title;
    this.metric = metric;
    this.points = List.copyOf(points);
    this.front = List.copyOf(front);
    this.lowest = lowest;
  }

  /** The plot of an evaluation. */
  static QualityPlot of(Evaluation evaluation) {
    List<Point> points = new ArrayList<>();
    for (SpecResult result : evaluation.specs()) {
      Interval value = result.metric(evaluation.options().metric()).value();
      points.add(
          new Point(
              result.spec().shortText().replace(":", " "),
              result.spec().family(),
              result.compute().flopsRatio(),
              new Interval(100 * value.estimate(), 100 * value.low(), 100 * value.high())));
    }
    List<ParetoFront.Point> front =
        evaluation.front().stream()
            .map(p -> new ParetoFront.Point(p.name(), p.cost(), 100 * p.quality()))
            .toList();
    double lowest = points.stream().mapToDouble(p -> p.quality().low()).min().orElse(0);
    String title =
        String.format(
            Locale.ROOT,
            "%s: %s against compute, %,d rows, %.0f %% intervals",
            evaluation.model().name().replaceFirst("-[0-9a-f]{16}$", ""),
            evaluation.options().metric(),
            evaluation.specs().getFirst().rows().scored(),
            100 * evaluation.options().confidence());
    return new QualityPlot(title, evaluation.options().metric(), points, front, lowest);
  }

  /** The same without the points below a quality, or nothing when that leaves out none. */
  List<QualityPlot> above(double percent) {
    List<Point> kept = points.stream().filter(p -> p.quality().estimate() >= percent).toList();
    if (kept.size() == points.size() || kept.size() < 2) {
      return List.of();
    }
    List<ParetoFront.Point> keptFront = front.stream().filter(p -> p.quality() >= percent).toList();
    return List.of(
        new QualityPlot(
            title + ", from " + Math.round(percent) + " % up", metric, kept, keptFront, percent));
  }

  /** Quality of the dense run in percent, the first point. */
  double denseQuality() {
    return points.getFirst().quality().estimate();
  }

  /** The plot as PNG, {@link #WIDTH} by {@link #HEIGHT} pixels. */
  byte[] png() {
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    draw(graphics);
    graphics.dispose();
    try {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      ImageIO.write(image, "png", out);
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The plot as SVG of the same size. */
  byte[] svg() {
    try {
      Document document =
          DocumentBuilderFactory.newDefaultInstance()
              .newDocumentBuilder()
              .getDOMImplementation()
              .createDocument(SVG, "svg", null);
      SVGGraphics2D graphics = new SVGGraphics2D(document);
      draw(graphics);
      Element root = graphics.getRoot();
      root.setAttribute("width", String.valueOf(WIDTH));
      root.setAttribute("height", String.valueOf(HEIGHT));
      root.setAttribute("viewBox", "0 0 " + WIDTH + " " + HEIGHT);
      Element text = root.getOwnerDocument().createElementNS(SVG, "title");
      text.setTextContent(title + "; x: " + COST + "; y: " + metric + UNIT);
      root.insertBefore(text, root.getFirstChild());
      StringWriter out = new StringWriter();
      graphics.stream(root, out, true, false);
      return out.toString().getBytes(StandardCharsets.UTF_8);
    } catch (ParserConfigurationException | IOException e) {
      throw new IllegalStateException("the plot could not be written as SVG", e);
    }
  }

  private void draw(Graphics2D graphics) {
    XYChart chart = chart();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, WIDTH, HEIGHT);
    chart.paint(graphics, WIDTH, HEIGHT);
    drawIntervals(graphics, chart);
    drawLabels(graphics, chart);
  }

  private XYChart chart() {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .theme(ChartTheme.XChart)
            .title(title)
            .xAxisTitle(COST)
            .yAxisTitle(metric + UNIT)
            .build();
    chart
        .getStyler()
        .setChartBackgroundColor(Color.WHITE)
        .setChartTitleFont(TITLE)
        .setLegendPosition(LegendPosition.OutsideS)
        .setLegendLayout(LegendLayout.Horizontal)
        .setLegendFont(AXIS)
        .setLegendBorderColor(Color.WHITE)
        .setPlotBorderVisible(false)
        .setMarkerSize(10)
        .setDecimalPattern("0.##");
    chart
        .getStyler()
        .setAxisTitleFont(AXIS)
        .setAxisTickLabelsFont(AXIS)
        .setPlotGridLinesColor(new Color(0xE4E4E4));
    axes(chart);
    addFront(chart);
    for (Family family : Family.values()) {
      addSeries(chart, family);
    }
    return chart;
  }

  /** The best quality to be had for at most so much compute: a staircase. */
  private void addFront(XYChart chart) {
    if (front.isEmpty()) {
      return;
    }
    List<Double> costs = new ArrayList<>();
    List<Double> qualities = new ArrayList<>();
    for (ParetoFront.Point point : front) {
      if (!qualities.isEmpty()) {
        costs.add(point.cost());
        qualities.add(qualities.getLast());
      }
      costs.add(point.cost());
      qualities.add(point.quality());
    }
    costs.add(Math.max(chart.getStyler().getXAxisMax(), costs.getLast()));
    qualities.add(qualities.getLast());
    XYSeries line = chart.addSeries("Pareto front", costs, qualities);
    line.setMarker(SeriesMarkers.NONE);
    line.setLineColor(FRONT);
    line.setLineStyle(
        new BasicStroke(
            1.6f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, new float[] {6, 4}, 0));
  }

  private void axes(XYChart chart) {
    double left = points.stream().mapToDouble(Point::cost).min().orElse(0);
    double right = Math.max(1, points.stream().mapToDouble(Point::cost).max().orElse(1));
    double bottom =
        Math.max(lowest, points.stream().mapToDouble(p -> p.quality().low()).min().orElse(0));
    double top = points.stream().mapToDouble(p -> p.quality().high()).max().orElse(100);
    double margin = Math.max(0.5, 0.06 * (top - bottom));
    double side = Math.max(0.03, 0.08 * (right - left));
    chart.getStyler().setXAxisMin(Math.max(0, left - side)).setXAxisMax(right + side);
    chart.getStyler().setYAxisMin(bottom - margin).setYAxisMax(top + margin);
    // Wider than the margin, so that no tick is below 0 or above 100 %.
    chart.getStyler().setYAxisTickMarkSpacingHint(60);
  }

  private void addSeries(XYChart chart, Family family) {
    List<Point> members = points.stream().filter(p -> p.family() == family).toList();
    if (members.isEmpty()) {
      return;
    }
    XYSeries series =
        chart.addSeries(
            family.label(),
            members.stream().mapToDouble(Point::cost).toArray(),
            members.stream().mapToDouble(p -> p.quality().estimate()).toArray());
    series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    series.setMarker(marker(family));
    series.setMarkerColor(color(family));
  }

  private static Color color(Family family) {
    return switch (family) {
      case DENSE -> new Color(0x000000);
      case ADAPTIVE -> new Color(0x0072B2);
      case STATIC -> new Color(0x009E73);
      case UNIFIED -> new Color(0xD55E00);
      case RANDOM -> new Color(0xCC79A7);
    };
  }

  private static Marker marker(Family family) {
    return switch (family) {
      case DENSE -> SeriesMarkers.SQUARE;
      case ADAPTIVE -> SeriesMarkers.CIRCLE;
      case STATIC -> SeriesMarkers.DIAMOND;
      case UNIFIED -> SeriesMarkers.TRIANGLE_UP;
      case RANDOM -> SeriesMarkers.TRIANGLE_DOWN;
    };
  }

  private void drawIntervals(Graphics2D graphics, XYChart chart) {
    graphics.setStroke(new BasicStroke(1.2f));
    for (Point point : points) {
      double x = chart.getScreenXFromChart(point.cost());
      double high = chart.getScreenYFromChart(point.quality().high());
      double low = chart.getScreenYFromChart(Math.max(lowest, point.quality().low()));
      graphics.setColor(color(point.family()));
      graphics.draw(new Line2D.Double(x, high, x, low));
      graphics.draw(new Line2D.Double(x - WHISKER, high, x + WHISKER, high));
      if (point.quality().low() >= lowest) {
        graphics.draw(new Line2D.Double(x - WHISKER, low, x + WHISKER, low));
      }
    }
  }

  private void drawLabels(Graphics2D graphics, XYChart chart) {
    graphics.setFont(LABEL);
    FontMetrics metrics = graphics.getFontMetrics();
    double left = chart.getScreenXFromChart(chart.getStyler().getXAxisMin());
    double right = chart.getScreenXFromChart(chart.getStyler().getXAxisMax());
    double top = chart.getScreenYFromChart(chart.getStyler().getYAxisMax());
    double bottom = chart.getScreenYFromChart(chart.getStyler().getYAxisMin());
    LabelPlacement placement =
        new LabelPlacement(new Rectangle2D.Double(left, top, right - left, bottom - top));
    for (Point point : points) {
      double x = chart.getScreenXFromChart(point.cost());
      double high = chart.getScreenYFromChart(point.quality().high());
      double low = chart.getScreenYFromChart(Math.max(lowest, point.quality().low()));
      placement.block(
          new Rectangle2D.Double(x - 6, Math.min(high, low) - 2, 12, Math.abs(low - high) + 4));
    }
    for (Point point : points) {
      double x = chart.getScreenXFromChart(point.cost());
      double y = chart.getScreenYFromChart(point.quality().estimate());
      double width = metrics.stringWidth(point.label());
      double height = metrics.getAscent();
      Rectangle2D place = placement.place(x, y, width, height);
      graphics.setColor(new Color(0xBBBBBB));
      drawLeader(graphics, place, x, y);
      graphics.setColor(point.family() == Family.ADAPTIVE ? color(point.family()) : INK);
      graphics.drawString(point.label(), (float) place.getX(), (float) (place.getMaxY() - 2));
    }
  }

  /** A thin line from a label that had to move away to its point. */
  private static void drawLeader(Graphics2D graphics, Rectangle2D place, double x, double y) {
    double nearX = Math.clamp(x, place.getMinX(), place.getMaxX());
    double nearY = Math.clamp(y, place.getMinY(), place.getMaxY());
    if (Math.hypot(nearX - x, nearY - y) > 14) {
      graphics.draw(new Line2D.Double(nearX, nearY, x, y));
    }
  }
}
