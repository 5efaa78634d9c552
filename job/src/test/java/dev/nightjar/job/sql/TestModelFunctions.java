package dev.nightjar.job.sql;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.job.TinyRuns;
import dev.nightjar.udfs.AnswerTypes;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.LlmFunctions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the model functions take and give. */
class TestModelFunctions {
  private static final String CHAT =
      "array(named_struct('role', 'user', 'content', p), named_struct('role', 'user', 'content',"
          + " 'again'))";

  @TempDir private static Path shared;
  private static SparkSession spark;

  @BeforeAll
  static void open() throws IOException {
    spark = ModelRows.session(TinyRuns.model(shared.resolve("model")));
    spark.sql(
        "CREATE TEMP VIEW t AS SELECT id, if(id = 2, NULL, concat('row ', id)) AS p"
            + " FROM range(0, 5, 1, 2)");
    LlmFunctions.register(spark);
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  private static List<Row> rows(String sql) {
    return spark.sql(sql).collectAsList();
  }

  private static Row head(String sql) {
    return rows(sql).getFirst();
  }

  @Test
  void generateGivesTheStructOfTheResultTable() {
    Dataset<Row> answers = spark.sql("SELECT llm_generate(p) AS r FROM t ORDER BY id");
    assertThat(answers.schema().apply("r").dataType()).isEqualTo(AnswerTypes.GENERATION);
    List<Row> rows = answers.collectAsList();
    assertThat(rows.get(2).isNullAt(0)).isTrue();
    Row first = rows.getFirst().getStruct(0);
    assertThat(first.<String>getAs("text")).isNotNull();
    assertThat(first.<Row>getAs("error")).isNull();
    assertThat(first.<Row>getAs("usage").<Integer>getAs("completion_tokens")).isBetween(1, 2);
    assertThat(first.<Row>getAs("compute").<Integer>getAs("num_hidden_layers"))
        .isEqualTo(TinyRuns.LAYERS);
  }

  @Test
  void optionsComeByNameAsMapAsStructOrFromTheSession() {
    String tokens = ".usage.completion_tokens FROM t WHERE id = 1";
    assertThat(head("SELECT llm_generate(p)" + tokens).getInt(0)).isEqualTo(2);
    for (String call :
        List.of(
            "llm_generate(p, max_tokens => 1)",
            "llm_generate(max_tokens => 1, prompt => p)",
            "llm_generate(p, map('max_tokens', 1, 'depth', 'full'))",
            "llm_generate(p, named_struct('max_tokens', 1, 'depth', 'full'))",
            "llm_generate(p, options => map('max_tokens', '1'))")) {
      assertThat(head("SELECT " + call + tokens).getInt(0)).as(call).isEqualTo(1);
    }
    spark.conf().set("spark.nightjar.depth", "unified:keep=0.5");
    try {
      String depth = ".compute.depth_policy FROM t WHERE id = 1";
      assertThat(head("SELECT llm_generate(p)" + depth).getString(0)).startsWith("unified");
      assertThat(head("SELECT llm_generate(p, depth => 'full')" + depth).getString(0))
          .isEqualTo("full");
    } finally {
      spark.conf().unset("spark.nightjar.depth");
    }
  }

  @Test
  void wrongCallsAreToldWithTheCure() {
    assertWrong("llm_generate(p, max_token => 2)", "did you mean 'max_tokens'?");
    assertWrong("llm_generate(p, max_tokens => 'many')", "'many', expected a whole number");
    assertWrong("llm_generate(p, max_tokens => id)", "expected a constant");
    assertWrong("llm_generate(p, seed => 1, seed => 2)", "given twice");
    assertWrong("llm_generate(p, 64)", "expected map(");
    assertWrong("llm_generate()", "argument 'prompt' is missing");
    assertWrong("llm_generate(id)", "expected string or array<struct");
    assertWrong("llm_generate(p, on_error => 'drop-malformed')", "filter on error");
    assertWrong("llm_generate(p, depth => 'fulll')", "fulll");
    assertWrong("llm_classify(p, array('a', 'a'))", "is there twice");
    assertWrong("llm_classify(p, 'a')", "expected array");
    assertWrong("llm_extract(p, 'name')", "llm_extract");
    assertWrong("transform(array(p), x -> llm_generate(x))", "inside a lambda function");
    assertThatThrownBy(() ->
            rows(
                "SELECT 1 FROM t a LEFT JOIN t b"
                    + " ON llm_generate(concat(a.p, b.p)).text = 'x'"))
        .hasMessageContaining("over columns of both sides");
  }

  private static void assertWrong(String call, String message) {
    assertThatThrownBy(() -> rows("SELECT " + call + " FROM t")).hasMessageContaining(message);
  }

  @Test
  void conversationsAreRenderedByTheTemplate() {
    Row row =
        head(
            "SELECT llm_generate("
                + CHAT
                + ").usage.prompt_tokens, llm_count_tokens("
                + CHAT
                + "), llm_count_tokens(p, chat => false), length(p) FROM t WHERE id = 1");
    assertThat(row.getInt(0)).isEqualTo(row.getInt(1)).isEqualTo(3 + 5 + 5);
    assertThat(row.getInt(2)).isEqualTo(row.getInt(3));
  }

  @Test
  void badRowsHaveErrorsAndOthersGoOn() {
    String call = "llm_generate(repeat(p, if(id = 1, 1000, 1))%s).error.code FROM t ORDER BY id";
    assertThat(rows("SELECT " + call.formatted("")).stream().map(row -> row.get(0)))
        .containsExactly(null, "CONTEXT_OVERFLOW", null, null, null);
    assertThatThrownBy(() -> rows("SELECT " + call.formatted(", on_error => 'fail-fast'")))
        .hasStackTraceContaining("row '");
  }

  @Test
  void classifyPicksALabelAndScoresAll() {
    Row row =
        head(
            "SELECT r.label, r.probability, aggregate(r.scores, 0D, (a, s) -> a + s.probability),"
                + " r.scores.label FROM (SELECT llm_classify(p, array('spam', 'ham')) AS r FROM t"
                + " WHERE id = 1)");
    assertThat(row.getString(0)).isIn("spam", "ham");
    assertThat(row.getDouble(1)).isGreaterThanOrEqualTo(0.5);
    assertThat(row.getDouble(2)).isCloseTo(1, within(1e-9));
    assertThat(row.<String>getList(3)).containsExactly("spam", "ham");
    assertThat(
            head("SELECT llm_classify(p, array('spam', 'ham')).probability"
                    + " = llm_classify(p, if(id < 9, array('spam', 'ham'), array())).probability"
                    + " FROM t WHERE id = 1")
                .getBoolean(0))
        .isTrue();
    assertThat(
            head("SELECT llm_classify(p, if(id < 0, array('a'), array())).error.code FROM t"
                    + " WHERE id = 1")
                .getString(0))
        .isEqualTo("INVALID_OPTION");
  }

  @Test
  void scoreEqualsTheChosenLabelsScore() {
    assertThat(
            head("SELECT abs(llm_score(p, 'spam').logprob"
                    + " - llm_classify(p, array('spam', 'ham')).scores[0].logprob) < 1e-4"
                    + " FROM t WHERE id = 1")
                .getBoolean(0))
        .isTrue();
    assertThat(head("SELECT size(llm_score(p, 'spam').token_logprobs) FROM t WHERE id = 1"))
        .matches(row -> row.getInt(0) == 4);
    assertThat(head("SELECT llm_score(p, NULL) FROM t WHERE id = 1").isNullAt(0)).isTrue();
  }

  @Test
  void embedGivesAUnitVector() {
    Row row =
        head(
            "SELECT size(v), aggregate(v, 0D, (a, x) -> a + x * x)"
                + " FROM (SELECT llm_embed(p).vector AS v FROM t WHERE id = 1)");
    assertThat(row.getInt(0)).isEqualTo(32);
    assertThat(row.getDouble(1)).isCloseTo(1, within(1e-5));
  }

  @Test
  void extractedTextFitsTheSchema() {
    List<Row> rows =
        rows(
            "SELECT from_json(r.parsed, 'ok BOOLEAN, n INT', map('mode', 'FAILFAST')), r.error"
                + " FROM (SELECT llm_extract(p, 'ok BOOLEAN, n INT', max_tokens => 60) AS r FROM t"
                + " WHERE p IS NOT NULL)");
    assertThat(rows).hasSize(4).allMatch(row -> row.isNullAt(1) && !row.isNullAt(0));
    assertThat(
            head("SELECT llm_generate(p, choices => array('yes', 'no')).text FROM t WHERE id = 1")
                .getString(0))
        .isIn("yes", "no");
  }

  @Test
  void dataFramesCallByName() {
    List<Row> rows =
        spark
            .table("t")
            .select(call_function("llm_generate", col("p")).getField("text"))
            .collectAsList();
    assertThat(rows).hasSize(5).anyMatch(row -> !row.isNullAt(0));
    assertThat(head("DESCRIBE FUNCTION EXTENDED llm_generate").getString(0))
        .contains("llm_generate");
  }

  @Test
  void resultsSurviveCacheAndTables() {
    Path folder = shared.resolve("table");
    spark.sql(
        "CREATE TABLE answers USING parquet LOCATION '"
            + folder
            + "' AS SELECT id, llm_generate(p) AS r FROM t");
    spark.sql("INSERT INTO answers SELECT id + 10, llm_generate(p) FROM t");
    spark.sql("CACHE TABLE again AS SELECT id, llm_generate(p) AS r FROM t");
    List<Row> texts =
        rows(
            "SELECT count(DISTINCT a.r.text = b.r.text), min(a.r.text = b.r.text), count(*)"
                + " FROM answers a JOIN again b ON a.id % 10 = b.id");
    assertThat(texts.getFirst()).matches(row -> row.getBoolean(1) && row.getLong(2) == 10);
  }

  /** A limit of several tasks' rows is dealt out and sorted again. */
  @Test
  void sortedRowsStaySorted() {
    for (String limit : List.of("", " LIMIT 3", " LIMIT 300", " LIMIT 300 OFFSET 1")) {
      String sql = "SELECT id, llm_generate(p).text FROM t ORDER BY id DESC" + limit;
      assertThat(rows(sql).stream().map(row -> row.getLong(0)))
          .as(sql)
          .isSortedAccordingTo(Comparator.reverseOrder())
          .hasSizeGreaterThanOrEqualTo(3);
    }
  }

  @Test
  void rowFunctionsGiveTheSame() {
    assertThat(
            head(
                "SELECT min(llm_generate_row(p).text = llm_generate(p).text),"
                    + " min(llm_classify_row(p, array('a', 'b')).label"
                    + "   = llm_classify(p, array('a', 'b')).label),"
                    + " min(llm_score_row(p, 'a').logprob = llm_score(p, 'a').logprob),"
                    + " min(llm_embed_row(p).vector = llm_embed(p).vector),"
                    + " count(llm_generate_row("
                    + CHAT
                    + ")) FROM t"))
        .matches(row ->
            row.getBoolean(0)
                && row.getBoolean(1)
                && row.getBoolean(2)
                && row.getBoolean(3)
                && row.getLong(4) == 5);
  }

  @Test
  void depthProfileAddsUpTheLayers() {
    Row profile =
        head(
            "SELECT llm_depth_profile(r.compute), sum(r.usage.total_tokens - 1) FROM"
                + " (SELECT llm_generate(p, depth => 'unified:keep=0.5') AS r FROM t)");
    Row sums = profile.getStruct(0);
    assertThat(sums.getLong(0)).isEqualTo(profile.getLong(1));
    List<Row> layers = sums.getList(1);
    assertThat(layers).hasSize(TinyRuns.LAYERS);
    assertThat(layers.stream().mapToDouble(layer -> layer.getDouble(2)).sum())
        .isCloseTo(2, within(1e-9));
  }

  @Test
  void planShowsTheCallAndItsOptions() {
    assertThat(head("EXPLAIN FORMATTED SELECT llm_generate(p, seed => 7) FROM t").getString(0))
        .contains("LlmEvaluation")
        .contains("Call: llm_generate(")
        .contains("\"seed\":7")
        .contains("Model: ");
  }
}
