package dev.nightjar.udfs;

import dev.nightjar.udfs.sql.SqlExtensions;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.SparkSessionExtensionsProvider;
import scala.runtime.BoxedUnit;

/**
 * Makes {@code llm_generate} and its siblings functions of every session. Found by Spark when the
 * jar is on the class path; or named with {@code
 * spark.sql.extensions=dev.nightjar.udfs.NightjarExtensions}.
 */
public final class NightjarExtensions implements SparkSessionExtensionsProvider {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    SqlExtensions.inject(extensions);
    return BoxedUnit.UNIT;
  }
}
