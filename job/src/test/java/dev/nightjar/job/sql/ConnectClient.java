package dev.nightjar.job.sql;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A Spark Connect client that calls the model's functions and prints what it got. Runs in a process
 * that has neither our classes nor Spark's engine.
 */
final class ConnectClient {
  private ConnectClient() {}

  /** Takes the server's address. */
  public static void main(String[] args) throws IOException {
    try (SparkSession spark = SparkSession.builder().remote(args[0]).getOrCreate()) {
      print("session", spark.getClass().getName());
      spark.range(6).selectExpr("id", "concat('row ', id) AS p").createOrReplaceTempView("t");
      Dataset<Row> rows = spark.table("t").orderBy("id");
      print("sql", spark.sql("SELECT llm_generate(p, max_tokens => 3).text FROM t ORDER BY id"));
      print("call", rows.select(call_function("llm_generate", col("p")).getField("text")).limit(2));
      print(
          "classify",
          rows.select(
              call_function("llm_classify", col("p"), array(lit("ham"), lit("spam")))
                  .getField("label")));
      print("plan", spark.sql("EXPLAIN SELECT llm_generate(p) FROM t"));
    }
  }

  private static void print(String name, Dataset<Row> rows) {
    List<String> values = rows.collectAsList().stream().map(row -> row.getString(0)).toList();
    print(name, values);
  }

  /** One line each; texts of the tiny model may hold any character. */
  private static void print(String name, Object value) {
    System.out.println(name + "=" + value.toString().replaceAll("\\R", " "));
  }
}
