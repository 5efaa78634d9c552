package dev.nightjar.job;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/** The tiny model, its inputs and its sessions, for tests of the packages below this one. */
public final class TinyRuns {
  /** Layers of the tiny model. */
  public static final int LAYERS = TinyModel.LAYERS;

  private TinyRuns() {}

  /** Writes the model and returns its folder. */
  public static Path model(Path folder) throws IOException {
    return TinyModel.write(folder);
  }

  /** A session on this many threads; stop it. */
  public static SparkSession session(String master) {
    return JobRuns.session(master);
  }

  /** Writes JSON lines with a number {@code id} and a text {@code body}. */
  public static Path input(Path folder, int rows) throws IOException {
    return JobRuns.input(folder, rows);
  }

  /** The arguments of a small run; {@code more} are keys and values. */
  public static Map<String, String> arguments(Path model, Path input, Path output, String... more) {
    return JobRuns.arguments(model, input, output, more);
  }

  /** Runs the job. */
  public static BatchInferenceJob.Outcome run(SparkSession spark, Map<String, String> arguments) {
    return JobRuns.run(spark, arguments);
  }

  /** The whole command line. */
  public static int execute(String... arguments) {
    return Nightjar.commandLine().execute(arguments);
  }
}
