package dev.nightjar.job.evaluate;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.Score;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.RowPrompts;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Scores gold texts behind their prompts: the negative log-likelihood of each gold token given the
 * prompt and the gold tokens before it. The engine scores all of them as prompt tokens, so a policy
 * that acts on generated tokens alone scores as the dense model does.
 */
final class GoldScores implements MapPartitionsFunction<Row, Row> {
  /** Sum of the gold tokens' negative log-likelihoods, in nats. */
  static final String NLL = "nll";

  /** Number of gold tokens; 0 where the row could not be scored. */
  static final String TOKENS = "tokens";

  private static final StructType SCHEMA =
      new StructType()
          .add(InputShards.ROW, DataTypes.LongType, false)
          .add(NLL, DataTypes.DoubleType, false)
          .add(TOKENS, DataTypes.IntegerType, false);

  private final StructType input;
  private final InferenceOptions options;
  private final int rowColumn;
  private final int goldColumn;

  private GoldScores(StructType input, InferenceOptions options, String goldColumn) {
    this.input = input;
    this.options = options;
    this.rowColumn = input.fieldIndex(InputShards.ROW);
    this.goldColumn = input.fieldIndex(goldColumn);
  }

  /** One row of scores per row of input. */
  static Dataset<Row> of(Dataset<Row> rows, InferenceOptions options, String goldColumn) {
    return rows.mapPartitions(
        new GoldScores(rows.schema(), options, goldColumn), Encoders.row(SCHEMA));
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    if (!rows.hasNext()) {
      return Collections.emptyIterator();
    }
    List<Row> scores = new ArrayList<>();
    RowPrompts prompts = new RowPrompts(options, input);
    try (ExecutorEngines.Lease lease = ExecutorEngines.acquire(options.model(), options.engine())) {
      while (rows.hasNext()) {
        if (TaskContext.get().isInterrupted()) {
          throw new TaskKilledException("scoring was cancelled");
        }
        Row row = rows.next();
        scores.add(score(lease.engine(), row, prompts.prompt(row)));
      }
    }
    return scores.iterator();
  }

  private Row score(LlmEngine engine, Row row, Prompt prompt) {
    long number = row.getLong(rowColumn);
    if (row.isNullAt(goldColumn)
        || prompt instanceof Prompt.Missing
        || prompt instanceof Prompt.Invalid) {
      return RowFactory.create(number, 0.0, 0);
    }
    int[] gold = engine.encoder().tokenizer().encode(row.get(goldColumn).toString());
    int[] asked;
    try {
      asked = engine.encoder().encode(prompt);
    } catch (EngineException e) {
      return RowFactory.create(number, 0.0, 0);
    }
    int length = asked.length + gold.length;
    if (asked.length == 0 || gold.length == 0 || length > engine.info().contextLength()) {
      return RowFactory.create(number, 0.0, 0);
    }
    int[] tokens = new int[length];
    System.arraycopy(asked, 0, tokens, 0, asked.length);
    System.arraycopy(gold, 0, tokens, asked.length, gold.length);
    Score score = engine.score(tokens);
    double nll = 0;
    for (float logprob : score.logprobs().subList(asked.length - 1, length - 1)) {
      nll -= logprob;
    }
    return RowFactory.create(number, nll, gold.length);
  }
}
