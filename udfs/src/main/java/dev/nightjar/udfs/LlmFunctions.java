package dev.nightjar.udfs;

import dev.nightjar.udfs.sql.RowFunction;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/**
 * SQL functions over results, and the model functions row by row for clusters that forbid
 * extensions; {@link NightjarExtensions} has those that run in batches. Registered per session with
 * {@link #register}.
 */
public final class LlmFunctions {

  /**
   * One function.
   *
   * @param signature as shown to people
   */
  public record Function(
      String name, String signature, String description, UDF1<Row, ?> body, DataType type) {}

  private static final List<Function> FUNCTIONS =
      List.of(
          new Function(
              "llm_compute_saved",
              "llm_compute_saved(compute) -> DOUBLE",
              "share of the dense run's floating-point operations that this row did not need",
              (UDF1<Row, Double>) LlmFunctions::computeSaved,
              DataTypes.DoubleType),
          new Function(
              "llm_exit_histogram",
              "llm_exit_histogram(compute) -> ARRAY<INT>",
              "generated tokens by the number of layers below the head that produced them",
              (UDF1<Row, Object>) LlmFunctions::exitHistogram,
              DataTypes.createArrayType(DataTypes.IntegerType)));

  private LlmFunctions() {}

  /** All functions, in the order of the documentation. */
  public static List<Function> all() {
    return FUNCTIONS;
  }

  /** Makes the functions known to a session. */
  public static void register(SparkSession spark) {
    for (Function function : FUNCTIONS) {
      spark.udf().register(function.name(), function.body(), function.type());
    }
    spark
        .udf()
        .register("llm_depth_profile", functions.udaf(new DepthProfile(), DepthProfile.INPUT));
    RowFunction.register(spark);
  }

  private static Double computeSaved(Row compute) {
    if (compute == null || compute.isNullAt(compute.fieldIndex("flops_full"))) {
      return null;
    }
    double full = compute.<Double>getAs("flops_full");
    return full == 0 ? 0 : 1 - compute.<Double>getAs("flops") / full;
  }

  private static Object exitHistogram(Row compute) {
    return compute == null ? null : compute.get(compute.fieldIndex("exit_layer_histogram"));
  }
}
