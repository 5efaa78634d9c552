package dev.nightjar.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.job.ConfigKeys.OutputMode;
import dev.nightjar.job.ConfigKeys.RetryErrors;
import dev.nightjar.job.ledger.ChunkRecord;
import dev.nightjar.job.ledger.Fingerprint;
import dev.nightjar.job.ledger.Ledger;
import dev.nightjar.job.ledger.RunRecord;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.ResultSchema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * The table that a job writes, chunk by chunk. Files (Parquet and the like) are written aside by
 * Spark and moved in when a chunk is whole; a table format commits each chunk by itself; partitions
 * that are replaced change when all chunks are there.
 */
abstract sealed class ResultTable {
  /** Formats of plain files in folders; any other one keeps a log of its own. */
  private static final Set<String> FILE_FORMATS = Set.of("parquet", "json", "orc", "avro", "xml");

  /** Formats whose reader takes a schema; others know their own. */
  private static final Set<String> SCHEMA_FORMATS = Set.of("parquet", "json", "orc");

  final SparkSession spark;
  final JobConfig config;
  final Ledger ledger;
  final Fingerprint fingerprint;
  private final StructType schema;

  private ResultTable(
      SparkSession spark,
      JobConfig config,
      Ledger ledger,
      Fingerprint fingerprint,
      StructType schema) {
    this.spark = spark;
    this.config = config;
    this.ledger = ledger;
    this.fingerprint = fingerprint;
    this.schema = schema;
  }

  /**
   * Opens the table and clears away what runs that died have left.
   *
   * @param schema of the result rows
   * @throws EngineException when there is a table and there must be none
   */
  static ResultTable open(
      SparkSession spark,
      JobConfig config,
      Ledger ledger,
      Fingerprint fingerprint,
      StructType schema) {
    boolean replaces = config.output().mode() == OutputMode.OVERWRITE_PARTITIONS;
    ResultTable table;
    if (!FILE_FORMATS.contains(config.output().format().toLowerCase(Locale.ROOT))) {
      TableFormats.check(spark, config.output().format(), config.output().path());
      table = new Transactions(spark, config, ledger, fingerprint, schema);
    } else if (replaces) {
      table = new ReplacedPartition(spark, config, ledger, fingerprint, schema);
    } else {
      table = new AddedFiles(spark, config, ledger, fingerprint, schema);
    }
    table.refuseExisting();
    table.prepare();
    return table;
  }

  private void refuseExisting() {
    if (config.output().mode() != OutputMode.ERROR_IF_EXISTS) {
      return;
    }
    List<RunRecord> runs =
        ledger.runs(fingerprint.hash()).stream()
            .filter(run -> run.output().mode().equals(config.output().mode().name()))
            .toList();
    boolean continued =
        !runs.isEmpty() && runs.stream().noneMatch(run -> ledger.isComplete(run.runId()));
    if (!continued && exists()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "output "
              + config.output().path()
              + " already exists and output.mode is error-if-exists; choose another folder or"
              + " another mode");
    }
  }

  /** Whether the table has any file. */
  final boolean exists() {
    try {
      return !ledger.dataFiles(config.output().path()).isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(config.output().path() + " could not be read", e);
    }
  }

  /** Clears away what is not committed. */
  abstract void prepare();

  /** Rows of this fingerprint that are committed; empty before the first. */
  abstract Optional<Dataset<Row>> committed();

  /** The rows of this run and date. */
  abstract Dataset<Row> runRows();

  /** All rows of the table at the output's path, those of other runs included. */
  final Dataset<Row> allRows() {
    return reader().load(config.output().path());
  }

  /** Writes and commits a chunk of {@code numRows} rows. */
  abstract void write(Dataset<Row> results, long numRows, String kind);

  /** Does what is left once all chunks are written. */
  abstract void complete();

  /** Takes rows with an error out of the table, so that they run again. */
  abstract void withdraw(RetryErrors which);

  /** Which rows that takes out. */
  static Column withdrawn(RetryErrors which) {
    Column failed = col("status").equalTo(ResultSchema.ERROR);
    return switch (which) {
      case NONE -> lit(false);
      case RETRIABLE -> failed.and(col("error.retriable"));
      case ALL -> failed;
    };
  }

  /** Whether the whole run must be one chunk. */
  boolean isOneChunk() {
    return false;
  }

  /** The schema of the result rows. */
  final StructType schema() {
    return schema;
  }

  final DataFrameReader reader() {
    DataFrameReader reader = spark.read().format(config.output().format());
    return SCHEMA_FORMATS.contains(config.output().format()) ? reader.schema(schema) : reader;
  }

  final DataFrameWriter<Row> writer(Dataset<Row> results) {
    return results
        .write()
        .format(config.output().format())
        .partitionBy(ResultSchema.RUN_DATE)
        .options(config.output().options());
  }

  /** The runs of this fingerprint in the table at the output's path. */
  final Optional<Dataset<Row>> ofRuns() {
    List<String> runs = ledger.runs(fingerprint.hash()).stream().map(RunRecord::runId).toList();
    if (runs.isEmpty() || !exists()) {
      return Optional.empty();
    }
    Dataset<Row> table = reader().load(config.output().path());
    return Optional.of(table.where(col("run_id").isin(runs.toArray())));
  }

  final ChunkRecord record(String id, String kind, long rows) {
    return new ChunkRecord(
        id, kind, config.inference().runId(), fingerprint.hash(), rows, List.of(), "");
  }

  private Dataset<Row> ofThisRun(Dataset<Row> table) {
    return table
        .where(col(ResultSchema.RUN_DATE).equalTo(config.inference().runDate()))
        .where(col("run_id").equalTo(config.inference().runId()));
  }

  /** Writes into the staging folder and makes sure that every row is there. */
  final void stage(String name, Dataset<Row> results, long numRows) {
    ledger.deleteStaged(name);
    writer(results).mode(SaveMode.ErrorIfExists).save(ledger.staging(name));
    if (config.inference().errorMode() == ErrorMode.PERMISSIVE) {
      long found = numRows == 0 ? 0 : reader().load(ledger.staging(name)).count();
      if (found != numRows) {
        throw new IllegalStateException(
            "a chunk has "
                + found
                + " result rows, expected "
                + numRows
                + "; the input changed while it was read; run the same command again");
      }
    }
  }

  /** Files that are added to a folder. */
  private static final class AddedFiles extends ResultTable {
    AddedFiles(
        SparkSession spark,
        JobConfig config,
        Ledger ledger,
        Fingerprint fingerprint,
        StructType schema) {
      super(spark, config, ledger, fingerprint, schema);
    }

    @Override
    void prepare() {
      ledger.staged().forEach(ledger::deleteStaged);
    }

    @Override
    Optional<Dataset<Row>> committed() {
      return ofRuns();
    }

    @Override
    Dataset<Row> runRows() {
      return super.ofThisRun(reader().load(config.output().path()));
    }

    @Override
    void write(Dataset<Row> results, long numRows, String kind) {
      String id = ledger.nextChunk(fingerprint.hash());
      stage(id, results, numRows);
      ledger.publish(record(id, kind, numRows), List.of(id), List.of());
    }

    @Override
    void complete() {
      // Every chunk is in the table.
    }

    @Override
    void withdraw(RetryErrors which) {
      Optional<Dataset<Row>> rows = ofRuns();
      if (which == RetryErrors.NONE || rows.isEmpty()) {
        return;
      }
      Column failed = withdrawn(which);
      List<String> files = new ArrayList<>();
      for (Row row :
          rows.get().where(failed).select(input_file_name()).distinct().collectAsList()) {
        files.add(new Path(URI.create(row.getString(0))).toString());
      }
      if (files.isEmpty()) {
        return;
      }
      Object[] runs = ledger.runs(fingerprint.hash()).stream().map(RunRecord::runId).toArray();
      Dataset<Row> kept =
          reader()
              .option("basePath", config.output().path())
              .load(files.toArray(new String[0]))
              .where(failed.and(col("run_id").isin(runs)).equalTo(false));
      String id = ledger.nextChunk(fingerprint.hash());
      writer(kept).mode(SaveMode.ErrorIfExists).save(ledger.staging(id));
      ledger.publish(record(id, "withdrawn", 0), List.of(id), files);
    }
  }

  /** Files that take the place of a partition's files. */
  private static final class ReplacedPartition extends ResultTable {
    private final String prefix;

    ReplacedPartition(
        SparkSession spark,
        JobConfig config,
        Ledger ledger,
        Fingerprint fingerprint,
        StructType schema) {
      super(spark, config, ledger, fingerprint, schema);
      prefix = "replace-" + fingerprint.hash() + "-" + config.inference().runDate() + "-";
    }

    @Override
    void prepare() {
      for (String name : ledger.staged()) {
        if (!name.startsWith(prefix) || !ledger.isWhole(name)) {
          ledger.deleteStaged(name);
        }
      }
    }

    @Override
    Optional<Dataset<Row>> committed() {
      List<String> staged = stagedChunks();
      return staged.isEmpty() ? Optional.empty() : Optional.of(load(staged));
    }

    private List<String> stagedChunks() {
      return ledger.staged().stream().filter(name -> name.startsWith(prefix)).toList();
    }

    private Dataset<Row> load(List<String> staged) {
      Dataset<Row> rows = null;
      for (String name : staged) {
        Dataset<Row> chunk = reader().load(ledger.staging(name));
        rows = rows == null ? chunk : rows.unionByName(chunk);
      }
      return rows;
    }

    @Override
    Dataset<Row> runRows() {
      return super.ofThisRun(committed().orElseGet(() -> reader().load(config.output().path())));
    }

    @Override
    void write(Dataset<Row> results, long numRows, String kind) {
      String name = prefix + String.format(Locale.ROOT, "%06d", stagedChunks().size());
      stage(name, results, numRows);
    }

    @Override
    void complete() {
      String partition =
          config.output().path() + "/" + ResultSchema.RUN_DATE + "=" + config.inference().runDate();
      try {
        List<String> old = ledger.dataFiles(partition);
        List<String> staged = stagedChunks();
        if (staged.isEmpty()) {
          return;
        }
        long rows = load(staged).count();
        String id = ledger.nextChunk(fingerprint.hash());
        ledger.publish(record(id, "rows", rows), staged, old);
      } catch (IOException e) {
        throw new UncheckedIOException(partition + " could not be read", e);
      }
    }

    @Override
    void withdraw(RetryErrors which) {
      // Every row runs again anyway.
    }
  }

  /** A table format that commits each write by itself. */
  private static final class Transactions extends ResultTable {
    Transactions(
        SparkSession spark,
        JobConfig config,
        Ledger ledger,
        Fingerprint fingerprint,
        StructType schema) {
      super(spark, config, ledger, fingerprint, schema);
    }

    @Override
    void prepare() {
      ledger.staged().forEach(ledger::deleteStaged);
    }

    @Override
    boolean isOneChunk() {
      return config.output().mode() == OutputMode.OVERWRITE_PARTITIONS;
    }

    @Override
    Optional<Dataset<Row>> committed() {
      return isOneChunk() || !isTable() ? Optional.empty() : ofRuns();
    }

    /** Whether a write was ever committed: files alone do not make a table. */
    private boolean isTable() {
      Optional<Throwable> failure = Attempt.of(() -> reader().load(config.output().path()));
      if (failure.isPresent() && !(failure.get() instanceof AnalysisException)) {
        throw new IllegalStateException(config.output().path() + " cannot be read", failure.get());
      }
      return failure.isEmpty();
    }

    @Override
    Dataset<Row> runRows() {
      return super.ofThisRun(
          isTable()
              ? reader().load(config.output().path())
              : spark.createDataFrame(List.of(), schema()));
    }

    @Override
    void write(Dataset<Row> results, long numRows, String kind) {
      String id = ledger.nextChunk(fingerprint.hash());
      DataFrameWriter<Row> writer = writer(results);
      if (isOneChunk() && kind.equals("rows")) {
        writer.mode(SaveMode.Overwrite).option("partitionOverwriteMode", "dynamic");
      } else {
        writer.mode(SaveMode.Append);
      }
      writer.save(config.output().path());
      ledger.enter(record(id, kind, numRows));
    }

    @Override
    void complete() {
      // Every chunk is in the table.
    }

    @Override
    void withdraw(RetryErrors which) {
      if (which != RetryErrors.NONE) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "run.retry-errors cannot change a table of format "
                + config.output().format()
                + "; delete the rows with DELETE FROM ... WHERE status = 'error' and run the same"
                + " command, which runs what is missing");
      }
    }
  }
}
