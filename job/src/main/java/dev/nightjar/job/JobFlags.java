package dev.nightjar.job;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A job's configuration for commands that run something else over the same input with the same
 * model and prompt: the flags of the keys they take, and what the batch job makes of them.
 */
public final class JobFlags {
  private JobFlags() {}

  /** Adds the flag of each configuration key whose name passes; all take one text. */
  public static void add(CommandSpec spec, Predicate<String> keys) {
    for (ConfigKey<?> key : ConfigKeys.all()) {
      if (key.flag().isPresent() && keys.test(key.name())) {
        OptionSpec.Builder option =
            OptionSpec.builder(key.flag().get())
                .type(String.class)
                .paramLabel("VALUE")
                .description(help(key));
        ConfigKeys.valueOfBareFlag(key)
            .ifPresent(value -> option.arity("0..1").fallbackValue(value));
        spec.addOption(option.build());
      }
    }
  }

  private static String help(ConfigKey<?> key) {
    String fallback = key.defaultText().map(text -> " Default: " + text + ".").orElse("");
    String doc = Character.toUpperCase(key.doc().charAt(0)) + key.doc().substring(1) + ".";
    return (doc + fallback).replace("%", "%%");
  }

  /**
   * Values by key: those of {@code key=value} settings, then those of the flags that {@link #add}
   * made and that were given.
   *
   * @throws EngineException when a setting has no equals sign
   */
  public static Map<String, String> arguments(
      CommandSpec spec, Predicate<String> keys, List<String> settings) {
    Map<String, String> arguments = new LinkedHashMap<>();
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      if (equals < 1) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION, "--set " + setting + ": expected key=value");
      }
      arguments.put(setting.substring(0, equals).strip(), setting.substring(equals + 1));
    }
    for (ConfigKey<?> key : ConfigKeys.all()) {
      if (key.flag().isPresent() && keys.test(key.name())) {
        String flag = key.flag().get();
        String value = spec.commandLine().getParseResult().<String>matchedOptionValue(flag, null);
        if (value != null) {
          arguments.put(key.name(), value);
        }
      }
    }
    return arguments;
  }

  /**
   * The configuration of a file, Spark's properties and arguments.
   *
   * @throws EngineException that lists everything that is wrong
   */
  public static JobConfig config(Optional<Path> file, Map<String, String> arguments) {
    return JobConfig.parse(file, SparkSessions.nightjarProperties(), arguments);
  }

  /** The rows of a job's input, before any limit. */
  public static Dataset<Row> input(SparkSession spark, JobConfig config) {
    return new BatchInferenceJob(spark, config, System.err).read();
  }

  /** Runs what calls Spark or a library on this thread; what it threw, or nothing. */
  public static Optional<Throwable> attempt(Runnable body) {
    return Attempt.of(body);
  }

  /** What went wrong, for people: the user's own slip, wherever in the chain of causes it is. */
  public static String message(Throwable thrown) {
    return Failures.message(thrown);
  }

  /** The last line of a run that failed: one JSON object. */
  public static String failedLine(Throwable thrown) {
    return JsonMapper.builder()
        .build()
        .createObjectNode()
        .put("status", "failed")
        .put("error", message(thrown))
        .toString();
  }
}
