package dev.nightjar.job.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.job.TinyRuns;
import dev.nightjar.job.ledger.LedgerReader;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.RowDepth;
import dev.nightjar.udfs.RunProfile;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** The page says what the table says, whatever is in the rows, and needs nothing else. */
class TestRunReport {
  private static final String ATTACK =
      "</span><script>alert(1)</script><img src=x onerror=alert(2)> ]]> & \u202e \u0001 \" '";

  private static final int ROWS = 40;

  @TempDir private static Path folder;
  private static SparkSession spark;
  private static Path output;
  private static Dataset<Row> table;
  private static String text;
  private static Document page;

  @BeforeAll
  static void run() throws IOException, ParserConfigurationException, SAXException {
    spark = TinyRuns.session("local[2]");
    Path model = TinyRuns.model(folder.resolve("model"));
    output = folder.resolve("out");
    run(model, input("first", 12), "run.id", "first", "depth", "full");
    run(model, input("second", ROWS), "run.id", "second", "depth", "unified:keep=0.5");
    table = spark.read().parquet(output.toString());
    text = Files.readString(output.resolve("_report.html"));
    page = parse(text);
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  private static void run(Path model, Path input, String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.addAll(
        List.of(
            "output.report",
            "full",
            "prompt.max-chars",
            "1000",
            "input.schema",
            "id STRING, body STRING"));
    TinyRuns.run(spark, TinyRuns.arguments(model, input, output, all.toArray(String[]::new)));
  }

  /** Rows with hostile texts and keys, one of which is too long. */
  private static Path input(String name, int rows) throws IOException {
    JsonMapper json = new JsonMapper();
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      String body = i == 7 ? "x".repeat(1001) : ATTACK + " row " + i;
      String id = name + i + ATTACK;
      lines.add(json.createObjectNode().put("id", id).put("body", body).toString());
    }
    return Files.write(folder.resolve(name + ".jsonl"), lines);
  }

  private static Document parse(String html)
      throws IOException, ParserConfigurationException, SAXException {
    return DocumentBuilderFactory.newDefaultInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(html)));
  }

  private static List<Element> elements(String name) {
    NodeList found = page.getElementsByTagName(name);
    List<Element> all = new ArrayList<>();
    for (int i = 0; i < found.getLength(); i++) {
      all.add((Element) found.item(i));
    }
    return all;
  }

  /** The text behind a card's name. */
  private static String card(String name) {
    for (Element term : elements("dt")) {
      if (term.getTextContent().equals(name)) {
        return ((Element) term.getParentNode()).getElementsByTagName("dd").item(0).getTextContent();
      }
    }
    throw new AssertionError("no card " + name);
  }

  @Test
  void figuresAreThoseOfTheTable() {
    Row sums =
        table
            .where("run_id = 'second'")
            .selectExpr(
                "count(*)",
                "count_if(status = 'error')",
                "sum(compute.layers_executed + compute.layers_executed_prefill)",
                "sum(compute.layers_executed + compute.layers_executed_prefill"
                    + " + compute.layers_skipped + compute.layers_skipped_prefill"
                    + " + compute.layers_exited)",
                "1 - sum(compute.flops) / sum(compute.flops_full)",
                "sum(usage.completion_tokens)")
            .head();
    assertThat(card("Rows")).isEqualTo("40").isEqualTo(String.valueOf(sums.getLong(0)));
    assertThat(card("Errors")).isEqualTo("1").isEqualTo(String.valueOf(sums.getLong(1)));
    assertThat(card("Layers per token"))
        .isEqualTo(
            Figures.decimal((double) sums.getLong(2) / sums.getLong(3) * TinyRuns.LAYERS, 2));
    assertThat(card("Compute saved")).isEqualTo(Figures.percent(sums.getDouble(4)));
    assertThat(card("Answer tokens")).isEqualTo(Figures.compact(sums.getLong(5)));
  }

  @Test
  void profileCountsEveryCellOfTheRun() {
    RunProfile profile = profile("second").orElseThrow();
    Row sums =
        table
            .where("run_id = 'second' AND status = 'ok'")
            .selectExpr(
                "count(*)",
                "sum(compute.layers_executed)",
                "sum(compute.layers_executed_prefill)",
                "sum(usage.completion_tokens)",
                "sum(usage.prompt_tokens - 1 - usage.prompt_tokens_details.cached_tokens)")
            .head();
    assertThat(profile.rows()).isEqualTo(sums.getLong(0)).isEqualTo(ROWS - 1);
    assertThat(profile.completion().cellsExecuted()).isEqualTo(sums.getLong(1)).isPositive();
    assertThat(profile.prompt().cellsExecuted()).isEqualTo(sums.getLong(2)).isPositive();
    assertThat(profile.completion().total()).isEqualTo(sums.getLong(3));
    assertThat(profile.prompt().total()).isEqualTo(sums.getLong(4));
    assertThat(profile.slowest()).hasSize(5);
    List<Double> shallow =
        table
            .where("run_id = 'second' AND status = 'ok'")
            .selectExpr("double(compute.mean_layers_per_token) AS d")
            .orderBy("d")
            .limit(5)
            .collectAsList()
            .stream()
            .map(row -> row.getDouble(0))
            .toList();
    for (int i = 0; i < shallow.size(); i++) {
      assertThat(profile.shallowest().get(i).meanLayers()).isCloseTo(shallow.get(i), within(1e-6));
    }
    RowDepth row = profile.slowest().getFirst();
    assertThat(row.prompt().size()).isEqualTo(row.promptTokens());
    assertThat(row.completion().size()).isEqualTo(row.completionTokens());
  }

  private static Optional<RunProfile> profile(String run) {
    return LedgerReader.of(
            output.toString(), Optional.empty(), spark.sparkContext().hadoopConfiguration())
        .profile(run);
  }

  @Test
  void pageHasItsChartsWithTitlesDescriptionsAndNumbers() {
    assertThat(elements("svg"))
        .hasSize(7)
        .allSatisfy(svg -> {
          assertThat(svg.getElementsByTagName("title").getLength()).isPositive();
          assertThat(svg.getElementsByTagName("desc").getLength()).isEqualTo(1);
          for (String id : svg.getAttribute("aria-labelledby").split(" ")) {
            assertThat(text).containsOnlyOnce(" id=\"" + id + "\"");
          }
        });
    assertThat(elements("figure"))
        .allSatisfy(
            figure -> assertThat(figure.getElementsByTagName("table").getLength()).isEqualTo(1));
    assertThat(elements("h2").stream().map(Node::getTextContent))
        .contains("Compared with the previous run", "Depth", "Slowest rows", "Shallowest rows");
    assertThat(page.getDocumentElement().getTextContent())
        .contains("Run first of", "INVALID_PROMPT", "second7");
  }

  @Test
  void pageRefersToNothingOutsideAndRunsNothing() {
    assertThat(text).doesNotContain("http:", "https:", "url(", "@import", "//");
    // Browsers take the text of a style as it is, without entities.
    assertThat(elements("style").getFirst().getTextContent()).doesNotContain("&", "<", ">");
    for (Element element : elements("*")) {
      assertThat(element.getTagName()).isNotIn("script", "img", "link", "iframe", "object", "a");
      for (int i = 0; i < element.getAttributes().getLength(); i++) {
        String name = element.getAttributes().item(i).getNodeName();
        assertThat(name).doesNotStartWith("on").isNotIn("src", "href", "style", "xlink:href");
      }
    }
    assertThat(elements("meta").stream().map(meta -> meta.getAttribute("content")))
        .contains("default-src 'none'; style-src 'unsafe-inline'");
  }

  @Test
  void hostileTextIsText() {
    assertThat(text).contains("&lt;script&gt;").doesNotContain("<script", "<img", "\u0001");
    assertThat(page.getDocumentElement().getTextContent()).contains("</span><script>alert(1)");
  }

  @Test
  void withoutTextsThereIsNoTextOfARow() throws IOException {
    Path elsewhere = folder.resolve("numbers");
    TinyRuns.run(
        spark,
        TinyRuns.arguments(
            folder.resolve("model"),
            TinyRuns.input(folder, 3),
            elsewhere,
            "output.report",
            "numbers"));
    assertThat(Files.readString(elsewhere.resolve("_report.html")))
        .contains("Share of the prompt tokens that ran each layer")
        .doesNotContain("class=\"tokens\"");
    try (Stream<Path> files = Files.list(elsewhere.resolve("_nightjar/profiles"))) {
      assertThat(files.filter(file -> file.toString().endsWith(".json")).toList())
          .singleElement()
          .satisfies(file -> assertThat(Files.readString(file)).doesNotContain("hello"));
    }
  }

  @Test
  void pageOfATableWithoutALedgerHasWhatTheTableTells() {
    String html = new RunReport(table).html(Optional.of("first"), run -> Optional.empty()).get();
    assertThat(html)
        .contains("Tokens that ran each layer", "Rows by depth", "Answer tokens by exit layer")
        .doesNotContain("Compared with the previous run", "class=\"tokens\"");
    assertThat(new RunReport(table).html(Optional.of("third"), run -> Optional.empty())).isEmpty();
    assertThat(new RunReport(table).html(Optional.empty(), run -> Optional.empty()).get())
        .contains("run second");
    assertThatThrownBy(() -> new RunReport(spark.range(2).toDF()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("the columns id, expected those of a result table");
  }

  @Test
  void sizeDoesNotDependOnTheRows() {
    assertThat(text.length()).isBetween(10_000, 1_500_000);
    assertThat(profile("second").orElseThrow().slowest())
        .allSatisfy(row -> assertThat(row.prompt().size()).isLessThanOrEqualTo(300));
    assertThat(ReportQuery.intervalSeconds(0.5)).isEqualTo(1);
    assertThat(ReportQuery.intervalSeconds(61)).isEqualTo(2);
    assertThat(ReportQuery.intervalSeconds(8 * 3600)).isEqualTo(600);
    assertThat(ReportQuery.intervalSeconds(1e8)).isEqualTo(1_666_667);
  }
}
