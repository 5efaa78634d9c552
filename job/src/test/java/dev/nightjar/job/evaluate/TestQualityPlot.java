package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.job.quality.Task;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

class TestQualityPlot {
  @Test
  void pngHasTheStatedSizeAndIsNotBlank() throws IOException {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(plot().png()));
    assertThat(image.getWidth()).isEqualTo(QualityPlot.WIDTH);
    assertThat(image.getHeight()).isEqualTo(QualityPlot.HEIGHT);
    long dark = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        dark += (image.getRGB(x, y) & 0xFF) < 128 ? 1 : 0;
      }
    }
    assertThat(dark).isBetween(1000L, 100_000L);
  }

  @Test
  void svgIsWellFormedAndNamesAxesSeriesAndPoints()
      throws ParserConfigurationException, SAXException, IOException {
    byte[] svg = plot().svg();
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    Element root =
        factory.newDocumentBuilder().parse(new ByteArrayInputStream(svg)).getDocumentElement();
    assertThat(root.getTagName()).isEqualTo("svg");
    assertThat(root.getAttribute("width")).isEqualTo(String.valueOf(QualityPlot.WIDTH));
    assertThat(root.getAttribute("height")).isEqualTo(String.valueOf(QualityPlot.HEIGHT));
    String text = new String(svg, StandardCharsets.UTF_8);
    assertThat(root.getElementsByTagName("title").item(0).getTextContent())
        .contains("accuracy against compute, 797 rows")
        .contains("x: FLOPs executed / FLOPs of the dense model on the same tokens")
        .contains("y: accuracy (% of rows)");
    assertThat(text).contains(">dllm<", ">unified keep=0.5833<", ">full<");
  }

  @Test
  void detailLeavesOutWhatIsFarBelowDense() {
    assertThat(plot().above(80)).hasSize(1);
    assertThat(plot().above(0)).isEmpty();
    assertThat(plot().above(99.9)).isEmpty();
  }

  @Test
  void labelsOfCrowdedPointsDoNotOverlap() {
    LabelPlacement placement = new LabelPlacement(new Rectangle2D.Double(0, 0, 800, 500));
    List<Rectangle2D> placed = new ArrayList<>();
    for (int i = 0; i < 14; i++) {
      placed.add(placement.place(400 + 6 * i, 250 + 3 * (i % 4), 120, 12));
    }
    for (int i = 0; i < placed.size(); i++) {
      assertThat(new Rectangle2D.Double(0, 0, 800, 500).contains(placed.get(i))).isTrue();
      for (int j = 0; j < i; j++) {
        assertThat(placed.get(i).intersects(placed.get(j))).as(i + " and " + j).isFalse();
      }
    }
  }

  @Test
  void labelsStayInsideThePlot() {
    Rectangle2D bounds = new Rectangle2D.Double(50, 20, 700, 400);
    LabelPlacement placement = new LabelPlacement(bounds);
    assertThat(bounds.contains(placement.place(749, 21, 100, 12))).isTrue();
    assertThat(bounds.contains(placement.place(51, 419, 100, 12))).isTrue();
  }

  /** A plot with points close together and points far below. */
  static QualityPlot plot() {
    return QualityPlot.of(evaluation());
  }

  static Evaluation evaluation() {
    List<SpecResult> results =
        List.of(
            result("full", 1, 0.861),
            result("dllm", 0.554, 0.858),
            result("dllm:budget=0.60", 0.602, 0.848),
            result("dllm:budget=0.50", 0.505, 0.832),
            result("static:artefact=/models/depth/static", 0.588, 0.807),
            result("exit:layers=4+6+8+10,threshold=0.9", 0.93, 0.773),
            result("exit:layers=4+6+8+10,threshold=0.99", 0.96, 0.85),
            result("unified:keep=0.5833", 0.589, 0.01),
            result("random:keep=0.56", 0.553, 0.0),
            result("unified:keep=0.9167", 0.918, 0.788),
            result("random:keep=0.93", 0.925, 0.463));
    EvaluationOptions options =
        new EvaluationOptions(
            "out",
            List.of("dllm"),
            new Task.Label("label"),
            Optional.empty(),
            4,
            1000,
            0.95,
            Optional.empty(),
            true,
            false);
    return new Evaluation(
        options,
        1,
        new SpecProbe.Model("triage", "f".repeat(64), 12, "vector-512"),
        Map.of("nightjar", "development"),
        797,
        4,
        results,
        44,
        0,
        1);
  }

  private static SpecResult result(String spec, double flops, double quality) {
    double half = 2 * Math.sqrt(quality * (1 - quality) / 797);
    Interval value = new Interval(quality, quality - half, quality + half);
    Interval none = new Interval(0, 0, 0);
    List<String> baselineOf = spec.startsWith("unified") ? List.of("dllm") : List.of();
    return new SpecResult(
        new PlannedSpec(spec, baselineOf, true),
        "0123456789abcdef",
        new RowCounts(797, 0, 0),
        List.of(
            new Metric("accuracy", value, none),
            new Metric(Metrics.JSON_VALID, none, none),
            new Metric(Metrics.AGREEMENT, value, none)),
        Optional.empty(),
        0,
        new ComputeSums(12, 6, 12, 60, 120, 0, 0, 11, 1, flops * 1e9, 1e9, 10, 20),
        flops,
        20,
        Optional.of(new RateRatio(1 / flops, 0.9 / flops, 1.1 / flops, 4)),
        List.of());
  }
}
