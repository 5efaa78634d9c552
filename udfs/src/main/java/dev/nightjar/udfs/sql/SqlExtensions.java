package dev.nightjar.udfs.sql;

import org.apache.spark.sql.SparkSessionExtensions;
import scala.Tuple3;

/** Puts the model functions into sessions. */
public final class SqlExtensions {
  private SqlExtensions() {}

  /** Registers functions, rule, strategy and check with the extension points. */
  public static void inject(SparkSessionExtensions extensions) {
    for (SqlFunction function : SqlFunction.values()) {
      extensions.injectFunction(
          new Tuple3<>(function.identifier(), function.info(), function.builder()));
    }
    extensions.injectPreCBORule(session -> new ExtractLlmCalls());
    extensions.injectPlannerStrategy(session -> new LlmStrategy());
    extensions.injectCheckRule(session -> CheckLlmCalls::check);
  }
}
