package dev.nightjar.udfs;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Aggregator;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The aggregate {@code llm_depth_profile(compute)}: how many tokens each layer ran, over rows of
 * one model. Prompt tokens count, too. The buffer holds the tokens, then those of each layer.
 */
final class DepthProfile extends Aggregator<Row, long[], Row> {
  /** The counters of (token, layer) cells, run or not. */
  private static final List<String> CELLS =
      List.of(
          "layers_executed",
          "layers_skipped",
          "layers_exited",
          "layers_executed_prefill",
          "layers_skipped_prefill");

  private static final StructType LAYER =
      new StructType()
          .add("layer", DataTypes.IntegerType)
          .add("tokens", DataTypes.LongType)
          .add("share", DataTypes.DoubleType);

  /** Tokens through the model, and for each layer those that ran it. */
  static final StructType TYPE =
      new StructType()
          .add("tokens", DataTypes.LongType)
          .add("layers", DataTypes.createArrayType(LAYER));

  /** The argument: one column of the type {@link AnswerTypes#COMPUTE}. */
  static final Encoder<Row> INPUT =
      Encoders.row(new StructType().add("compute", AnswerTypes.COMPUTE));

  @Override
  public long[] zero() {
    return new long[1];
  }

  @Override
  public long[] reduce(long[] sums, Row input) {
    if (input.isNullAt(0)) {
      return sums;
    }
    Row compute = input.getStruct(0);
    List<Long> executed = compute.getList(compute.fieldIndex("layer_executions"));
    long[] row = new long[executed.size() + 1];
    for (int layer = 0; layer < executed.size(); layer++) {
      row[layer + 1] = executed.get(layer);
    }
    for (String name : CELLS) {
      row[0] += compute.<Long>getAs(name);
    }
    row[0] /= compute.<Integer>getAs("num_hidden_layers");
    return merge(sums, row);
  }

  @Override
  public long[] merge(long[] one, long[] other) {
    long[] sums = Arrays.copyOf(one, Math.max(one.length, other.length));
    for (int i = 0; i < other.length; i++) {
      sums[i] += other[i];
    }
    return sums;
  }

  @Override
  public Row finish(long[] sums) {
    Row[] layers = new Row[sums.length - 1];
    for (int layer = 0; layer < layers.length; layer++) {
      long executed = sums[layer + 1];
      double share = sums[0] == 0 ? 0 : (double) executed / sums[0];
      layers[layer] = RowFactory.create(layer, executed, share);
    }
    return RowFactory.create(sums[0], layers);
  }

  @Override
  public Encoder<long[]> bufferEncoder() {
    return Encoders.kryo(long[].class);
  }

  @Override
  public Encoder<Row> outputEncoder() {
    return Encoders.row(TYPE);
  }
}
