package dev.nightjar.job.report;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.udfs.ResultViews;
import dev.nightjar.udfs.RunProfile;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The page about one run of a result table: one HTML document that needs nothing else, of a size
 * that does not depend on the number of rows.
 */
public final class RunReport {
  private final ReportQuery query;

  /**
   * Reports of the runs of a table.
   *
   * @throws EngineException when it has not got the columns of a result table
   */
  public RunReport(Dataset<Row> table) {
    if (!ResultViews.isResultTable(table)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "the table has the columns "
              + String.join(", ", table.columns())
              + ", expected those of a result table of nightjar run");
    }
    this.query = new ReportQuery(table);
  }

  /**
   * The page about a run, or about the one that began last; empty when there is no row of it.
   *
   * @param profiles what was kept of a run besides its rows, by the run's identifier
   */
  public Optional<String> html(
      Optional<String> runId, Function<String, Optional<RunProfile>> profiles) {
    return query
        .run(runId)
        .map(run -> ReportPage.html(query.data(run, profiles.apply(run.runId()))));
  }
}
