package dev.nightjar.job;

import dev.nightjar.udfs.InferenceProgress;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;

/**
 * Prints a progress line every few seconds while a run lasts, and cancels the run once more rows
 * have failed than may. A daemon thread; stop it with {@link #close()}.
 */
public final class ProgressReporter implements AutoCloseable {
  private static final long WATCH_MILLIS = 1000;

  private final SparkContext context;
  private final ProgressTracker tracker;
  private final PrintStream out;
  private final long totalRows;
  private final double maxErrors;
  private final String jobTag;
  private final int progressSeconds;
  private final long startNanos = System.nanoTime();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("nightjar-progress").factory());
  private long lastLineNanos = startNanos;
  private volatile boolean aborted;

  /**
   * Starts reporting.
   *
   * @param jobTag the Spark job tag that is cancelled when the run goes wrong
   * @param out where lines go
   */
  ProgressReporter(
      SparkContext context,
      InferenceProgress progress,
      JobConfig config,
      long totalRows,
      String jobTag,
      PrintStream out) {
    this.context = context;
    this.tracker = new ProgressTracker(progress);
    this.out = out;
    this.totalRows = totalRows;
    this.maxErrors = config.maxErrorRate() * totalRows;
    this.jobTag = jobTag;
    this.progressSeconds = config.progressSeconds();
    context.addSparkListener(tracker);
    timer.scheduleWithFixedDelay(this::watch, WATCH_MILLIS, WATCH_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Whether the run was cancelled because too many rows had failed. */
  boolean aborted() {
    return aborted;
  }

  /** The counts now. */
  ProgressTracker.Snapshot snapshot() {
    return tracker.snapshot();
  }

  @Override
  public void close() {
    timer.shutdownNow();
    context.removeSparkListener(tracker);
  }

  private void watch() {
    ProgressTracker.Snapshot now = tracker.snapshot();
    if (tracker.errorsOfFinishedTasks() > maxErrors && !aborted) {
      aborted = true;
      context.cancelJobsWithTag(jobTag, "more rows have failed than errors.max-error-rate allows");
      return;
    }
    long nanos = System.nanoTime();
    if (progressSeconds > 0 && nanos - lastLineNanos >= progressSeconds * 1_000_000_000L) {
      lastLineNanos = nanos;
      out.println(line(now, totalRows, (nanos - startNanos) / 1e9));
    }
  }

  /** One progress line. */
  static String line(ProgressTracker.Snapshot now, long totalRows, double seconds) {
    double rowsPerSecond = now.rows() / seconds;
    double tokensPerSecond = (now.promptTokens() + now.completionTokens()) / seconds;
    String eta =
        now.rows() == 0
            ? "-"
            : duration(Math.max(0, totalRows - now.rows()) / Math.max(rowsPerSecond, 1e-9));
    return String.format(
        Locale.ROOT,
        "%,d/%,d rows (%.0f %%)  %.1f rows/s  %,.0f tokens/s  %.2f layers/token  %d errors  ETA %s",
        now.rows(),
        totalRows,
        totalRows == 0 ? 100 : 100.0 * now.rows() / totalRows,
        rowsPerSecond,
        tokensPerSecond,
        now.meanLayers(),
        now.errors(),
        eta);
  }

  /** A duration for people: {@code 1h05m}, {@code 3m20s}, {@code 12s}. */
  public static String duration(double seconds) {
    Duration d = Duration.ofSeconds(Math.round(seconds));
    if (d.toHours() > 0) {
      return String.format(Locale.ROOT, "%dh%02dm", d.toHours(), d.toMinutesPart());
    }
    return d.toMinutes() > 0
        ? String.format(Locale.ROOT, "%dm%02ds", d.toMinutes(), d.toSecondsPart())
        : d.toSeconds() + "s";
  }
}
