package dev.nightjar.job.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.job.report.BarChart.Arrangement;
import dev.nightjar.job.report.BarChart.Series;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bars, maps and numbers as they are drawn and written. */
class TestCharts {
  private static final Pattern X_TICK =
      Pattern.compile("<text class=\"tick\" x=\"([\\d.]+)\" y=\"[\\d.]+\" text-anchor=\"middle\">");

  private static String bars(Arrangement arrangement, List<String> labels, double[]... values) {
    List<Series> series = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      series.add(new Series("series " + i, "s" + i, values[i]));
    }
    Markup out = new Markup();
    new BarChart(
            "c",
            "Title",
            "x (s)",
            "y (rows)",
            labels,
            series,
            arrangement,
            v -> Figures.decimal(v, 1))
        .write(out);
    return out.toString();
  }

  private static List<Double> numbers(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .map(found -> pattern.matcher(found).replaceFirst("$1"))
        .map(Double::valueOf)
        .toList();
  }

  @Test
  void stackedBarsAreAsHighAsTheirSums() {
    String svg =
        bars(Arrangement.STACKED, List.of("a", "b"), new double[] {3, 10}, new double[] {7, 0});
    List<Double> heights =
        numbers(Pattern.compile("<rect class=\"s\\d\"[^>]* height=\"([\\d.]+)\""), svg);
    double all = 240 - Frame.TOP - Frame.BOTTOM;
    assertThat(heights).hasSize(3);
    assertThat(heights.get(0)).isCloseTo(0.3 * all, within(0.01));
    assertThat(heights.get(1)).isCloseTo(0.7 * all, within(0.01));
    assertThat(heights.get(2)).isCloseTo(all, within(0.01));
    assertThat(svg)
        .contains("<figcaption>Title</figcaption>", ">x (s)</text>", ">y (rows)</text>")
        .contains("<title>a: 7.0 series 1</title>", "<td class=\"number\">10.0</td>");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 20, 60, 129})
  void labelsOfTheHorizontalAxisKeepApart(int count) {
    List<String> labels = IntStream.range(0, count).mapToObj(i -> i + "h00m").toList();
    double[] values = new double[count];
    Arrays.fill(values, 1);
    List<Double> ticks = numbers(X_TICK, bars(Arrangement.STACKED, labels, values));
    assertThat(ticks).isNotEmpty();
    for (int i = 1; i < ticks.size(); i++) {
      assertThat(ticks.get(i) - ticks.get(i - 1)).isGreaterThan(7 * 5);
    }
  }

  @Test
  void barsOfNothingAreDrawn() {
    assertThat(bars(Arrangement.BESIDE, List.of("a"), new double[] {0})).doesNotContain("<rect");
  }

  @Test
  void mapLeavesOutWhatHasNoShare() {
    Markup out = new Markup();
    double[][] shares = {{0, 0.5}, {Double.NaN, 1}};
    new HeatChart("h", "Title", "position", "layer", List.of("0", "1"), shares).write(out);
    String svg = out.toString();
    assertThat(svg.split("<rect ", -1)).hasSize(4);
    assertThat(svg)
        .contains("class=\"h0\"", "class=\"h5\"", "class=\"h10\"")
        .contains("<title>layer 1, position 1: 100.0 %</title>", ">50</text>");
  }

  @ParameterizedTest
  @CsvSource({"0,5,0", "1,5,0.2", "7,5,2", "12.5,5,5", "99,5,20", "100,5,20", "101,5,50"})
  void ticksAreRound(double most, int count, double expected) {
    double step = Frame.tickStep(most, count);
    if (most == 0) {
      assertThat(step).isPositive();
    } else {
      assertThat(step).isCloseTo(expected, within(1e-9));
      assertThat(Math.ceil(most / step)).isLessThanOrEqualTo(count);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0,0",
    "0.25,0.25",
    "0.5,0.5",
    "40,40",
    "999,999",
    "999.96,1k",
    "1500,1.5k",
    "2.34e12,2.3T",
    "-1200,-1.2k"
  })
  void numbersAreShort(double value, String expected) {
    assertThat(Figures.compact(value)).isEqualTo(expected);
  }

  @Test
  void textsAreCutBetweenCharacters() {
    assertThat(Figures.shorten("abc", 3)).isEqualTo("abc");
    assertThat(Figures.shorten("abcd", 3)).isEqualTo("ab…");
    assertThat(Figures.shorten("a\uD83D\uDE00bc", 3)).isEqualTo("a…");
  }

  @Test
  void whatXmlHasNoPlaceForIsReplaced() {
    assertThat(Markup.clean("a\u0000b\nc\uD800d\uFFFFe\uD83D\uDE00"))
        .isEqualTo("a\uFFFDb\nc\uFFFDd\uFFFDe\uD83D\uDE00");
    String page = new Markup().leaf("p", "<b> & \"c\"", "title", "\"><script>").toString();
    assertThat(page)
        .isEqualTo(
            "<!DOCTYPE html><p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt; &amp; \"c\"</p>\n");
  }
}
