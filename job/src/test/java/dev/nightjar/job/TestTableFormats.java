package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Output formats whose jar is not here. */
class TestTableFormats {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "delta | add --packages io.delta:delta-spark_4.2_2.13:4.4.0",
        "iceberg | Iceberg has no release that runs on Spark 4.2",
        "lance | add the jar, or use parquet"
      })
  void aFormatWithoutItsJarIsToldBeforeAnyRowRuns(String format, String advice) throws IOException {
    Path model = TinyModel.write(folder.resolve("model"));
    Path input = JobRuns.input(folder, 3);
    try (SparkSession spark = JobRuns.session("local[2]")) {
      assertThatThrownBy(() ->
              JobRuns.run(
                  spark,
                  JobRuns.arguments(model, input, folder.resolve("out"), "output.format", format)))
          .isInstanceOf(EngineException.class)
          .hasMessageStartingWith(
              "output.format " + format + ": its jar is not on the class path; ")
          .hasMessageContaining(advice);
    }
  }

  @Test
  void withoutDeltaTheSessionIsLeftAlone() {
    assertThat(TableFormats.sessionProperties("delta")).isEmpty();
    assertThat(TableFormats.sessionProperties("parquet")).isEmpty();
  }
}
