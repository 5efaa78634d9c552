package dev.nightjar.job.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.job.TinyRuns;
import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How many rows reach the model, for every shape of query; {@code docs/sql.md} has the table. */
class TestQueryShapes {
  /**
   * A query over {@code t(id, lang, p)}, 20 rows in 2 partitions, half of them {@code en}; {@code
   * v} is the view {@code SELECT *, llm_generate(p) AS r FROM t}; {@code small} has 5 ids.
   *
   * @param rows that reach the model
   */
  record Shape(int rows, String sql) {
    @Override
    public String toString() {
      return sql;
    }
  }

  private static final List<Shape> SHAPES =
      List.of(
          new Shape(20, "SELECT id, llm_generate(p) FROM t"),
          new Shape(20, "SELECT r.text, r.error, r.usage.total_tokens FROM v"),
          new Shape(20, "SELECT r.text FROM (SELECT llm_generate(p) AS r FROM (SELECT p FROM t))"),
          // WHERE
          new Shape(10, "SELECT r.text FROM v WHERE lang = 'en'"),
          new Shape(1, "SELECT r.text FROM v WHERE id = 3"),
          new Shape(20, "SELECT id FROM v WHERE length(r.text) >= 0"),
          new Shape(10, "SELECT r.text FROM v WHERE length(r.text) >= 0 AND lang = 'en'"),
          new Shape(
              20, "SELECT llm_generate(p).text FROM t WHERE length(llm_generate(p).text) >= 0"),
          new Shape(
              30,
              "SELECT id FROM t WHERE length(llm_generate(p).text) < 0"
                  + " OR lang = 'en' AND length(llm_generate(lang).text) >= 0 OR id < 10"),
          // unused columns
          new Shape(0, "SELECT id FROM v"),
          new Shape(0, "SELECT count(*) FROM v"),
          new Shape(0, "SELECT a.id FROM v a JOIN v b ON a.id = b.id"),
          // LIMIT
          new Shape(3, "SELECT r.text FROM v LIMIT 3"),
          new Shape(3, "SELECT max(x) FROM (SELECT r.text AS x FROM v LIMIT 3)"),
          new Shape(3, "SELECT r.text FROM v ORDER BY id LIMIT 3"),
          new Shape(3, "SELECT r.text FROM v ORDER BY lang, id DESC LIMIT 3"),
          new Shape(20, "SELECT r.text FROM v ORDER BY r.text LIMIT 3"),
          new Shape(2, "SELECT r.text FROM v ORDER BY id LIMIT 2 OFFSET 3"),
          new Shape(20, "SELECT r.text FROM v ORDER BY id LIMIT 300"),
          new Shape(20, "SELECT r.text FROM v ORDER BY id"),
          new Shape(20, "SELECT llm_generate(p).text FROM t ORDER BY llm_generate(p).text"),
          // conditions within expressions
          new Shape(10, "SELECT CASE WHEN lang = 'en' THEN llm_generate(p).text END FROM t"),
          new Shape(10, "SELECT if(lang = 'en', llm_generate(p).text, 'x') FROM t"),
          new Shape(10, "SELECT coalesce(nullif(lang, 'en'), llm_generate(p).text) FROM t"),
          new Shape(
              20,
              "SELECT CASE WHEN lang = 'en' THEN llm_generate(p).text"
                  + " ELSE llm_generate(lang).text END FROM t"),
          new Shape(10, "SELECT lang = 'en' AND length(llm_generate(p).text) > 0 FROM t"),
          new Shape(10, "SELECT llm_generate(if(lang = 'en', p, NULL)) FROM t"),
          // several calls
          new Shape(20, "SELECT llm_generate(p).text, llm_generate(p).error FROM t"),
          new Shape(40, "SELECT llm_generate(p).text, llm_generate(lang).text FROM t"),
          new Shape(40, "SELECT llm_generate(llm_generate(p).finish_reason).text FROM t"),
          new Shape(40, "SELECT llm_generate(p).text, llm_generate(p, seed => 1).text FROM t"),
          // aggregates
          new Shape(20, "SELECT max(llm_generate(p).text) FROM t"),
          new Shape(20, "SELECT lang, max(r.text), min(r.text) FROM v GROUP BY lang"),
          new Shape(2, "SELECT lang, llm_generate(max(p)).text FROM t GROUP BY lang"),
          new Shape(2, "SELECT llm_generate(lang).text, count(*) FROM t GROUP BY lang"),
          new Shape(
              20, "SELECT llm_generate(p).finish_reason, count(*) FROM t GROUP BY 1 ORDER BY 2"),
          new Shape(
              2, "SELECT lang FROM t GROUP BY lang HAVING length(llm_generate(max(p)).text) >= 0"),
          new Shape(20, "SELECT DISTINCT r.text FROM v"),
          new Shape(20, "SELECT count(DISTINCT r.text), count(DISTINCT lang) FROM v"),
          new Shape(20, "SELECT lang, max(r.text) FROM v GROUP BY ROLLUP(lang)"),
          new Shape(10, "SELECT max(llm_generate(p).text) FILTER (WHERE lang = 'en') FROM t"),
          // windows, generators
          new Shape(20, "SELECT row_number() OVER (PARTITION BY lang ORDER BY r.text) FROM v"),
          new Shape(19, "SELECT llm_generate(lag(p) OVER (ORDER BY id)).text FROM t"),
          new Shape(20, "SELECT id, word FROM v LATERAL VIEW explode(split(r.text, ' ')) AS word"),
          new Shape(20, "SELECT explode(split(llm_generate(p).text, ' ')) FROM t"),
          // set operations
          new Shape(
              20, "SELECT r.text FROM v WHERE id < 5 UNION ALL SELECT r.text FROM v WHERE id >= 5"),
          new Shape(20, "SELECT r.text FROM v UNION SELECT r.text FROM v"),
          new Shape(30, "SELECT r.text FROM v UNION ALL SELECT r.text FROM v WHERE lang = 'en'"),
          // joins
          new Shape(20, "SELECT a.id FROM v a JOIN small b ON a.r.text = b.name"),
          new Shape(20, "SELECT a.r.text FROM v a JOIN small b ON a.id = b.id"),
          new Shape(20, "SELECT b.id FROM small b LEFT JOIN v ON v.id = b.id WHERE v.r.text = 'x'"),
          new Shape(
              5,
              "SELECT t.id FROM t JOIN small s ON t.id = s.id"
                  + " AND length(llm_generate(concat(t.p, s.name)).text) >= 0"),
          new Shape(
              20,
              "WITH c AS (SELECT id, llm_generate(p) AS r FROM t)"
                  + " SELECT a.id FROM c a JOIN c b ON a.id = b.id AND a.r.text = b.r.text"),
          new Shape(20, "SELECT a.r.text, b.r.text FROM v a JOIN v b ON a.id = b.id + 1"),
          new Shape(
              40, "SELECT a.r.text, b.lang FROM v a JOIN v b ON a.id = b.id AND b.r.text = ''"),
          // subqueries
          new Shape(
              20,
              "SELECT id FROM t WHERE EXISTS"
                  + " (SELECT 1 FROM v WHERE v.id = t.id AND length(v.r.text) >= 0)"),
          new Shape(20, "SELECT id FROM t WHERE p IN (SELECT r.text FROM v)"),
          new Shape(20, "SELECT id, (SELECT max(r.text) FROM v) AS x FROM t"),
          new Shape(20, "SELECT id, x FROM t, LATERAL (SELECT llm_generate(t.p).text AS x)"),
          // constants
          new Shape(1, "SELECT llm_generate('hello').text"),
          new Shape(1, "SELECT llm_generate((SELECT max(p) FROM t)).text"),
          new Shape(0, "SELECT llm_generate(NULL).text"),
          new Shape(20, "SELECT llm_generate('hello').text FROM t"),
          new Shape(2, "SELECT llm_generate(x).text FROM VALUES ('a'), ('b') AS w(x)"));

  @TempDir private static Path shared;
  private static SparkSession spark;
  private static ModelRows rows;

  @BeforeAll
  static void open() throws IOException {
    spark = ModelRows.session(TinyRuns.model(shared.resolve("model")));
    spark.conf().set("spark.nightjar.prompt.chat", "false");
    spark.conf().set("spark.nightjar.sampling.max-tokens", "1");
    rows = ModelRows.of(spark);
    spark
        .sql(
            "SELECT id, if(id % 2 = 0, 'en', 'de') AS lang, chr(65 + id) AS p"
                + " FROM range(0, 20, 1, 2)")
        .write()
        .parquet(shared.resolve("t").toString());
    spark.read().parquet(shared.resolve("t").toString()).createOrReplaceTempView("t");
    spark.sql("CREATE TEMP VIEW v AS SELECT *, llm_generate(p) AS r FROM t");
    spark.sql("CREATE TEMP VIEW small AS SELECT id, concat('name ', id) AS name FROM range(5)");
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  static List<Shape> shapes() {
    return SHAPES;
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void modelSeesAsFewRowsAsStated(Shape shape) throws Exception {
    rows.take();
    List<Long> counts = new ArrayList<>();
    for (boolean adaptive : List.of(true, false)) {
      spark.conf().set("spark.sql.adaptive.enabled", adaptive);
      spark.sql(shape.sql()).collectAsList();
      counts.add(rows.take());
    }
    assertThat(counts).containsOnly((long) shape.rows());
  }

  @Test
  void tablesAndCachesHoldResults() throws Exception {
    rows.take();
    spark.sql(
        "CREATE TABLE answers USING parquet LOCATION '"
            + shared.resolve("answers")
            + "' AS SELECT id, llm_generate(p) AS r FROM t");
    assertThat(rows.take()).isEqualTo(20);
    spark.sql("INSERT INTO answers SELECT id, llm_generate(p) FROM t WHERE lang = 'en'");
    assertThat(rows.take()).isEqualTo(10);
    spark.sql("CACHE TABLE cached AS SELECT id, lang, llm_generate(p) AS r FROM t");
    spark.sql("SELECT r.text FROM cached WHERE lang = 'en'").collectAsList();
    spark.sql("SELECT a.r, b.r FROM cached a JOIN cached b ON a.id = b.id + 1").collectAsList();
    assertThat(rows.take()).isEqualTo(20);
    assertThat(spark.table("answers").count()).isEqualTo(30);
  }
}
