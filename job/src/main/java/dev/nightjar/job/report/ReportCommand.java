package dev.nightjar.job.report;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.job.SparkSessions;
import dev.nightjar.job.ledger.LedgerReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code nightjar report}: the page about a run, made from its result table. */
@Command(
    name = "report",
    description = "Write the page about a run from its result table; the last line is its path.",
    mixinStandardHelpOptions = true,
    exitCodeOnInvalidInput = 1)
public final class ReportCommand implements Callable<Integer> {
  @Option(
      names = "--results",
      required = true,
      paramLabel = "DIR",
      description = "Folder of the result table.")
  private String results;

  @Option(
      names = "--format",
      defaultValue = "parquet",
      description = "Spark data source of the table (default: ${DEFAULT-VALUE}).")
  private String format;

  @Option(
      names = "--ledger",
      paramLabel = "DIR",
      description = "Folder of the run ledger, if it is not in the table's.")
  private String ledger;

  @Option(
      names = "--run",
      paramLabel = "ID",
      description = "The run's run_id; without it the run that began last.")
  private String runId;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "report.html",
      description = "The page (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Override
  public Integer call() {
    SparkSession spark = SparkSessions.open("nightjar report", Map.of());
    try {
      Dataset<Row> table = spark.read().format(format).load(results);
      LedgerReader kept =
          LedgerReader.of(
              results, Optional.ofNullable(ledger), spark.sparkContext().hadoopConfiguration());
      String page =
          new RunReport(table)
              .html(Optional.ofNullable(runId), kept::profile)
              .orElseThrow(this::noRun);
      Files.writeString(out, page);
      System.out.println(out);
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(out + " could not be written: " + e.getMessage(), e);
    } finally {
      spark.stop();
    }
  }

  private EngineException noRun() {
    return new EngineException(
        ErrorCode.INVALID_OPTION,
        results
            + (runId == null ? " has no row" : " has no row of run '" + runId + "'")
            + ", expected the result table of nightjar run; see nightjar_runs in nightjar sql");
  }
}
