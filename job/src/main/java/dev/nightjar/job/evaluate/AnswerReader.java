package dev.nightjar.job.evaluate;

import static org.apache.spark.sql.functions.col;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Reads the tables of a spec into answers, by row number, so that file order does not matter. */
final class AnswerReader {
  private static final List<String> NUMBERS =
      List.of(
          "compute.num_hidden_layers",
          "compute.layers_executed",
          "compute.layers_skipped",
          "compute.layers_exited",
          "compute.layers_executed_prefill",
          "compute.layers_skipped_prefill",
          "compute.attn_skipped",
          "compute.mlp_skipped",
          "usage.prompt_tokens",
          "usage.completion_tokens",
          "compute.kv_bytes",
          "compute.kv_bytes_full",
          "compute.flops",
          "compute.flops_full",
          "metrics.mean_batch_size");

  private static final int FIXED = 3;

  private final SparkSession spark;
  private final List<String> goldColumns;

  AnswerReader(SparkSession spark, List<String> goldColumns) {
    this.spark = spark;
    this.goldColumns = List.copyOf(goldColumns);
  }

  /** The answers of all tables, by row number. */
  List<Answer> read(List<String> tables) {
    List<Column> columns = new ArrayList<>();
    columns.add(col(InputShards.ROW));
    columns.add(col("status"));
    columns.add(col("text"));
    NUMBERS.forEach(name -> columns.add(col(name).cast("double")));
    goldColumns.forEach(name -> columns.add(InputShards.named(name).cast("string")));
    Dataset<Row> rows = spark.read().parquet(tables.toArray(new String[0]));
    return Arrays.stream((Row[]) rows.select(columns.toArray(new Column[0])).collect())
        .map(this::answer)
        .sorted((a, b) -> Long.compare(a.row(), b.row()))
        .toList();
  }

  private Answer answer(Row row) {
    List<String> gold = new ArrayList<>();
    for (int i = 0; i < goldColumns.size(); i++) {
      int at = FIXED + NUMBERS.size() + i;
      gold.add(row.isNullAt(at) ? null : row.getString(at));
    }
    return new Answer(
        row.getLong(0),
        row.getString(1),
        row.getString(2),
        gold,
        row.isNullAt(FIXED) ? ComputeSums.NONE : compute(row),
        number(row, "metrics.mean_batch_size"));
  }

  private static ComputeSums compute(Row row) {
    long executed = count(row, "compute.layers_executed");
    long executedPrompt = count(row, "compute.layers_executed_prefill");
    return new ComputeSums(
        (int) count(row, "compute.num_hidden_layers"),
        executed,
        executed + count(row, "compute.layers_skipped") + count(row, "compute.layers_exited"),
        executedPrompt,
        executedPrompt + count(row, "compute.layers_skipped_prefill"),
        count(row, "compute.attn_skipped"),
        count(row, "compute.mlp_skipped"),
        count(row, "usage.prompt_tokens"),
        count(row, "usage.completion_tokens"),
        number(row, "compute.flops"),
        number(row, "compute.flops_full"),
        count(row, "compute.kv_bytes"),
        count(row, "compute.kv_bytes_full"));
  }

  private static long count(Row row, String name) {
    return (long) number(row, name);
  }

  private static double number(Row row, String name) {
    int at = FIXED + NUMBERS.indexOf(name);
    return row.isNullAt(at) ? 0 : row.getDouble(at);
  }
}
