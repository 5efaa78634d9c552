package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.InferenceProgress;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class TestProgressReporter {
  private static final CountDownLatch NEVER_IN_TIME = new CountDownLatch(1);

  @Test
  void lineTellsSpeedDepthAndTimeLeft() {
    ProgressTracker.Snapshot now =
        new ProgressTracker.Snapshot(250, 3, 40_000, 10_000, 300_000, 50_000);
    assertThat(ProgressReporter.line(now, 1_000, 10))
        .isEqualTo(
            "250/1,000 rows (25 %)  25.0 rows/s  5,000 tokens/s  6.00 layers/token  3 errors  ETA"
                + " 30s");
  }

  @Test
  void nothingIsDividedByZero() {
    ProgressTracker.Snapshot none = new ProgressTracker.Snapshot(0, 0, 0, 0, 0, 0);
    assertThat(ProgressReporter.line(none, 0, 1)).contains("0/0 rows (100 %)").endsWith("ETA -");
  }

  @Test
  void durationsAreShort() {
    assertThat(ProgressReporter.duration(59.4)).isEqualTo("59s");
    assertThat(ProgressReporter.duration(200)).isEqualTo("3m20s");
    assertThat(ProgressReporter.duration(3_900)).isEqualTo("1h05m");
  }

  @Test
  void aRunThatGoesWrongIsCancelled() {
    SparkSession spark = JobRuns.session("local[2]");
    try {
      SparkContext context = spark.sparkContext();
      InferenceProgress progress = InferenceProgress.create(context);
      progress.errors().add(11);
      context.addJobTag("doomed");
      try (ProgressReporter reporter =
          new ProgressReporter(context, progress, config(), 100, "doomed", silent())) {
        Optional<Throwable> failure =
            Attempt.of(() ->
                JavaSparkContext.fromSparkContext(context)
                    .parallelize(List.of(1, 2))
                    .foreach(i -> NEVER_IN_TIME.await()));
        assertThat(failure).isPresent();
        assertThat(reporter.aborted()).isTrue();
      } finally {
        context.removeJobTag("doomed");
        NEVER_IN_TIME.countDown();
      }
    } finally {
      spark.stop();
    }
  }

  private static JobConfig config() {
    return JobConfig.parse(
        Optional.empty(),
        Map.of(),
        Map.of(
            "input.path", "x",
            "prompt.column", "x",
            "output.path", "x",
            "errors.max-error-rate", "0.1"));
  }

  private static PrintStream silent() {
    return new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
  }
}
