package dev.nightjar.job.demo;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * How well the answers of a run agree with the gold records; shares of the rows in percent.
 *
 * @param validJson answers that are a JSON document
 * @param allFields answers whose four fields are all right
 */
record DemoScore(
    long rows,
    double label,
    double topic,
    double sender,
    double date,
    double allFields,
    double validJson,
    double cells) {

  /** The fields of the gold record. */
  static final List<String> FIELDS = List.of("label", "topic", "sender", "date");

  /** SQL of a struct with the answer's fields; null where the answer is no JSON object. */
  static final String ANSWER =
      "from_json(parsed, 'label STRING, topic STRING, sender STRING, date STRING')";

  /** Compares the answers of a result view with its gold columns. */
  static DemoScore of(SparkSession spark, String view) {
    Dataset<Row> scores =
        spark.sql(
            """
            WITH answers AS (SELECT *, %s AS answer FROM %s)
            SELECT count(*),
                   100 * avg(CAST(answer.label <=> label AS INT)),
                   100 * avg(CAST(answer.topic <=> topic AS INT)),
                   100 * avg(CAST(answer.sender <=> sender AS INT)),
                   100 * avg(CAST(answer.date <=> date AS INT)),
                   100 * avg(CAST(answer.label <=> label AND answer.topic <=> topic
                       AND answer.sender <=> sender AND answer.date <=> date AS INT)),
                   100 * avg(CAST(parsed IS NOT NULL AS INT)),
                   100 * sum(compute.layers_executed + compute.layers_executed_prefill)
                       / sum(compute.layers_executed + compute.layers_executed_prefill
                         + compute.layers_skipped + compute.layers_skipped_prefill
                         + compute.layers_exited)
            FROM answers
            """
                .formatted(ANSWER, view));
    Row r = scores.head();
    return new DemoScore(
        r.getLong(0),
        number(r, 1),
        number(r, 2),
        number(r, 3),
        number(r, 4),
        number(r, 5),
        number(r, 6),
        number(r, 7));
  }

  private static double number(Row row, int index) {
    return row.isNullAt(index) ? 0 : row.getDouble(index);
  }
}
