package dev.nightjar.job.evaluate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Perplexity of gold texts: exp of the mean negative log-likelihood per gold token. */
final class Perplexity {
  /** The name of the metric. */
  static final String NAME = "perplexity";

  /** Nothing was scored. */
  static final Result NONE = new Result(Optional.empty(), 0);

  private final SparkSession spark;
  private final Bootstrap bootstrap;

  Perplexity(SparkSession spark, Bootstrap bootstrap) {
    this.spark = spark;
    this.bootstrap = bootstrap;
  }

  /**
   * A perplexity with what it rests on.
   *
   * @param metric its difference is that of the mean negative log-likelihoods, in nats per token
   * @param tokens gold tokens scored
   */
  record Result(Optional<Metric> metric, long tokens) {}

  /** Reads the scores of a spec and those of the dense run. */
  Result of(List<String> tables, List<String> denseTables) {
    double[][] scores = read(tables);
    double[][] dense = read(denseTables);
    long tokens = (long) Arrays.stream(scores[1]).sum();
    if (tokens == 0) {
      return NONE;
    }
    return new Result(
        Optional.of(
            new Metric(
                NAME,
                bootstrap.mean(scores[0], scores[1]).exp(),
                bootstrap.difference(scores[0], dense[0], scores[1]))),
        tokens);
  }

  /** Sums and numbers of tokens, {@code [2][rows]}, by row number. */
  private double[][] read(List<String> tables) {
    List<Row> rows =
        spark
            .read()
            .parquet(tables.toArray(new String[0]))
            .select(InputShards.ROW, GoldScores.NLL, GoldScores.TOKENS)
            .collectAsList()
            .stream()
            .sorted(Comparator.comparingLong(row -> row.getLong(0)))
            .toList();
    double[][] scores = new double[2][rows.size()];
    for (int i = 0; i < rows.size(); i++) {
      scores[0][i] = rows.get(i).getDouble(1);
      scores[1][i] = rows.get(i).getInt(2);
    }
    return scores;
  }
}
