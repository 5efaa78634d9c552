package dev.nightjar.job;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.job.ConfigKeys.OutputMode;
import dev.nightjar.job.ConfigKeys.Report;
import dev.nightjar.job.ConfigKeys.RetryErrors;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.PromptSource;
import dev.nightjar.udfs.PromptTemplate;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A job's configuration, read and checked once on the driver; below it only values travel. The
 * command line wins over Spark properties ({@code spark.nightjar.<key>}), those over the file, and
 * the file over the defaults.
 *
 * @param input where rows come from
 * @param inference what the executors need
 * @param output where results go
 * @param execution how the input is cut and which rows run
 * @param rowsPerTask most rows of a Spark task
 * @param maxErrorRate share of rows that may fail
 * @param progressSeconds between progress lines; 0 prints none
 * @param spark properties for a session that the job starts itself
 */
public record JobConfig(
    Input input,
    InferenceOptions inference,
    Output output,
    Execution execution,
    int rowsPerTask,
    double maxErrorRate,
    int progressSeconds,
    Map<String, String> spark) {

  /** Input and output format: files of OpenAI's batch API. */
  private static final String BATCH = "openai-batch";

  /** Where the result table of such an output is, below its folder. */
  private static final String BATCH_TABLE = "/results";

  /**
   * Where rows come from: a path, a query, or a query over the path's data as the view {@code
   * input}.
   *
   * @param limit rows to take at most; 0 takes all
   */
  public record Input(
      Optional<String> path,
      String format,
      Optional<String> schema,
      Optional<String> query,
      Map<String, String> options,
      long limit) {
    public Input {
      options = Map.copyOf(options);
    }

    /** Whether rows are lines of OpenAI's batch API. */
    boolean isBatch() {
      return format.equals(BATCH);
    }
  }

  /**
   * Where results go.
   *
   * @param path folder of the result table
   * @param ledger folder of the ledger, if it is not in the output's
   * @param batchFolder folder of the files of OpenAI's batch API, if they are wanted
   * @param report what is written about the run
   */
  record Output(
      String path,
      String format,
      OutputMode mode,
      Optional<String> ledger,
      Optional<String> batchFolder,
      Report report,
      Map<String, String> options) {
    public Output {
      options = Map.copyOf(options);
    }
  }

  /**
   * How the input is cut and which rows run.
   *
   * @param rowsPerChunk rows that are committed together; 0 goes by the number of cores
   * @param deduplicate whether rows with the same request are computed once
   * @param stopAfter when to begin no more chunks; zero is never
   * @param rowTimeout how long a row may run; zero is no limit
   * @param quarantineAfter attempts of a task that may die on a row
   */
  record Execution(
      long rowsPerChunk,
      boolean deduplicate,
      RetryErrors retryErrors,
      Duration stopAfter,
      boolean dryRun,
      Duration rowTimeout,
      int quarantineAfter) {}

  public JobConfig {
    spark = Map.copyOf(spark);
  }

  /** The same with other options of the inference. */
  public JobConfig withInference(InferenceOptions newInference) {
    return new JobConfig(
        input, newInference, output, execution, rowsPerTask, maxErrorRate, progressSeconds, spark);
  }

  /**
   * Reads a configuration.
   *
   * @param file a YAML file, if there is one
   * @param sparkProperties values by key without {@code spark.nightjar.}
   * @param arguments values by key
   * @throws EngineException that lists everything that is wrong
   */
  public static JobConfig parse(
      Optional<Path> file, Map<String, String> sparkProperties, Map<String, String> arguments) {
    ConfigReader reader = new ConfigReader();
    file.ifPresent(reader::addFile);
    sparkProperties.forEach((key, value) -> reader.add("spark.nightjar", key, value));
    arguments.forEach((key, value) -> reader.add("command line", key, value));
    Optional<EngineConfig> engine = engine(reader);
    Optional<SamplingParams> sampling = sampling(reader);
    Input input = input(reader);
    Optional<PromptSource> prompt = input.isBatch() ? batchLines(reader) : prompt(reader);
    Output output = output(reader, input);
    Optional<Execution> execution = execution(reader, output);
    Optional<ErrorMode> errorMode = reader.find(ConfigKeys.ERROR_MODE);
    Optional<Long> maxChars = reader.find(ConfigKeys.PROMPT_MAX_CHARS);
    Optional<Long> rowsPerTask = reader.find(ConfigKeys.ROWS_PER_TASK);
    Optional<Long> progressSeconds = reader.find(ConfigKeys.PROGRESS_SECONDS);
    Optional<Float> maxErrorRate = reader.find(ConfigKeys.MAX_ERROR_RATE);
    Optional<LocalDate> runDate = reader.find(ConfigKeys.RUN_DATE);
    reader.throwProblems();
    InferenceOptions inference =
        new InferenceOptions(
            reader.find(ConfigKeys.MODEL).orElseThrow(),
            engine.orElseThrow(),
            sampling.orElseThrow(),
            prompt.orElseThrow(),
            reader.find(ConfigKeys.INPUT_KEY).orElse(null),
            maxChars.orElseThrow().intValue(),
            errorMode.orElseThrow(),
            reader.isGiven(ConfigKeys.RUN_ID)
                ? reader.find(ConfigKeys.RUN_ID).orElseThrow()
                : UUID.randomUUID().toString(),
            runDate.orElseThrow());
    return new JobConfig(
        input,
        inference,
        output,
        execution.orElseThrow(),
        rowsPerTask.orElseThrow().intValue(),
        maxErrorRate.orElseThrow(),
        progressSeconds.orElseThrow().intValue(),
        reader.below("spark."));
  }

  private static Input input(ConfigReader reader) {
    Optional<String> path = reader.find(ConfigKeys.INPUT_PATH);
    Optional<String> query = reader.find(ConfigKeys.INPUT_QUERY);
    if (path.isEmpty() && query.isEmpty()) {
      reader.problem("input.path and input.query are missing, expected one of them, or both");
    }
    String format = reader.find(ConfigKeys.INPUT_FORMAT).orElseThrow();
    Map<String, String> options = new LinkedHashMap<>();
    if (format.equals("auto")) {
      format = path.map(JobConfig::formatOf).orElse("parquet");
    }
    if (format.equals("csv")) {
      options.put("header", "true");
    }
    options.putAll(reader.below("input.options."));
    return new Input(
        path,
        format,
        reader.find(ConfigKeys.INPUT_SCHEMA),
        query,
        options,
        reader.find(ConfigKeys.INPUT_LIMIT).orElse(0L));
  }

  /** Spark's name of the format that a path's ending stands for. */
  static String formatOf(String path) {
    String name = path.replaceAll("(\\.gz|\\.bz2|\\.zst|\\.lz4|\\.snappy)$", "");
    String ending = name.substring(name.lastIndexOf('.') + 1);
    return switch (ending) {
      case "json", "jsonl", "ndjson" -> "json";
      case "csv", "tsv" -> "csv";
      case "txt", "text" -> "text";
      case "orc" -> "orc";
      default -> "parquet";
    };
  }

  private static Output output(ConfigReader reader, Input input) {
    String path = reader.find(ConfigKeys.OUTPUT_PATH).orElse("");
    if (path.isEmpty()) {
      reader.problem("output.path is missing, expected the folder of the result table");
    }
    String format = reader.find(ConfigKeys.OUTPUT_FORMAT).orElseThrow();
    OutputMode mode = reader.find(ConfigKeys.OUTPUT_MODE).orElse(OutputMode.APPEND);
    boolean isBatch = format.equals(BATCH);
    if (isBatch && (!input.isBatch() || mode == OutputMode.OVERWRITE_PARTITIONS)) {
      reader.problem(
          "output.format is "
              + BATCH
              + ", expected input.format "
              + BATCH
              + " with it, and an output.mode that keeps the table");
    }
    return new Output(
        isBatch ? path + BATCH_TABLE : path,
        isBatch ? ConfigKeys.OUTPUT_FORMAT.defaultText().orElseThrow() : format,
        mode,
        reader.find(ConfigKeys.OUTPUT_LEDGER),
        isBatch ? Optional.of(path) : Optional.empty(),
        reader.find(ConfigKeys.OUTPUT_REPORT).orElse(Report.FULL),
        reader.below("output.options."));
  }

  private static Optional<PromptSource> batchLines(ConfigReader reader) {
    List<String> given =
        Stream.of(
                ConfigKeys.INPUT_QUERY,
                ConfigKeys.INPUT_SCHEMA,
                ConfigKeys.INPUT_KEY,
                ConfigKeys.PROMPT_COLUMN,
                ConfigKeys.PROMPT_MESSAGES,
                ConfigKeys.PROMPT_TEMPLATE,
                ConfigKeys.PROMPT_SYSTEM,
                ConfigKeys.PROMPT_CHAT)
            .filter(reader::isGiven)
            .map(ConfigKey::name)
            .toList();
    if (!given.isEmpty()) {
      reader.problem("input.format is " + BATCH + ", whose lines say it all, expected no " + given);
    }
    return Optional.of(new PromptSource.BatchLines());
  }

  private static Optional<Execution> execution(ConfigReader reader, Output output) {
    Optional<Long> rowsPerChunk = reader.find(ConfigKeys.ROWS_PER_CHUNK);
    Optional<Boolean> deduplicate = reader.find(ConfigKeys.DEDUPLICATE);
    Optional<RetryErrors> retryErrors = reader.find(ConfigKeys.RETRY_ERRORS);
    Optional<Duration> stopAfter = reader.find(ConfigKeys.STOP_AFTER);
    Optional<Boolean> dryRun = reader.find(ConfigKeys.DRY_RUN);
    Optional<Duration> rowTimeout = reader.find(ConfigKeys.ROW_TIMEOUT);
    Optional<Long> quarantineAfter = reader.find(ConfigKeys.QUARANTINE_AFTER);
    for (Optional<?> value :
        List.of(
            rowsPerChunk,
            deduplicate,
            retryErrors,
            stopAfter,
            dryRun,
            rowTimeout,
            quarantineAfter)) {
      if (value.isEmpty()) {
        return Optional.empty();
      }
    }
    if (retryErrors.orElseThrow() != RetryErrors.NONE
        && output.mode() == OutputMode.OVERWRITE_PARTITIONS) {
      reader.problem(
          "run.retry-errors is given with output.mode overwrite-partitions, which runs every row"
              + " again; leave one of them out");
    }
    return Optional.of(
        new Execution(
            rowsPerChunk.orElseThrow(),
            deduplicate.orElseThrow(),
            retryErrors.orElseThrow(),
            stopAfter.orElseThrow(),
            dryRun.orElseThrow(),
            rowTimeout.orElseThrow(),
            quarantineAfter.orElseThrow().intValue()));
  }

  private static Optional<PromptSource> prompt(ConfigReader reader) {
    List<ConfigKey<String>> sources =
        List.of(ConfigKeys.PROMPT_COLUMN, ConfigKeys.PROMPT_MESSAGES, ConfigKeys.PROMPT_TEMPLATE);
    List<ConfigKey<String>> given = sources.stream().filter(reader::isGiven).toList();
    String system = reader.find(ConfigKeys.PROMPT_SYSTEM).orElse(null);
    boolean chat = reader.find(ConfigKeys.PROMPT_CHAT).orElse(true);
    if (given.size() != 1) {
      reader.problem(
          (given.isEmpty() ? "no prompt" : "more than one prompt")
              + " is given, expected exactly one of "
              + sources.stream().map(ConfigKey::name).toList());
      return Optional.empty();
    }
    if (system != null && (!chat || given.contains(ConfigKeys.PROMPT_MESSAGES))) {
      reader.problem(
          "prompt.system is given, expected none with prompt.messages-column or prompt.chat false");
    }
    PromptSource.Shape shape = chat ? PromptSource.Shape.CHAT : PromptSource.Shape.RAW;
    ConfigKey<String> source = given.getFirst();
    String value = reader.find(source).orElseThrow();
    if (source.equals(ConfigKeys.PROMPT_MESSAGES)) {
      return Optional.of(new PromptSource.Conversation(value));
    }
    if (source.equals(ConfigKeys.PROMPT_COLUMN)) {
      return Optional.of(
          chat ? new PromptSource.UserMessage(value, system) : new PromptSource.RawText(value));
    }
    try {
      return Optional.of(new PromptSource.Filled(PromptTemplate.parse(value), shape, system));
    } catch (EngineException e) {
      reader.problem(e.getMessage());
      return Optional.empty();
    }
  }

  private static Optional<EngineConfig> engine(ConfigReader reader) {
    Optional<String> depth = reader.find(ConfigKeys.DEPTH);
    Optional<Long> batchSize = reader.find(ConfigKeys.BATCH_SIZE);
    Optional<Long> promptChunk = reader.find(ConfigKeys.PROMPT_CHUNK);
    Optional<Long> stepTokens = reader.find(ConfigKeys.STEP_TOKENS);
    Optional<Long> maxKvBytes = reader.find(ConfigKeys.MAX_KV_BYTES);
    Optional<EngineConfig.Overlong> overlong = reader.find(ConfigKeys.OVERLONG);
    Optional<KvType> kvType = reader.find(ConfigKeys.KV_TYPE);
    Optional<Long> prefixCache = reader.find(ConfigKeys.PREFIX_CACHE);
    Optional<EngineConfig.Admission> admission = reader.find(ConfigKeys.ADMISSION);
    Optional<Long> parallelism = reader.find(ConfigKeys.PARALLELISM);
    Optional<String> packedCache = reader.find(ConfigKeys.PACKED_CACHE);
    for (Optional<?> value :
        List.of(
            depth,
            batchSize,
            promptChunk,
            stepTokens,
            maxKvBytes,
            overlong,
            kvType,
            prefixCache,
            admission,
            parallelism,
            packedCache)) {
      if (value.isEmpty()) {
        return Optional.empty();
      }
    }
    try {
      return Optional.of(
          new EngineConfig(
              depth.orElseThrow(),
              batchSize.orElseThrow().intValue(),
              promptChunk.orElseThrow().intValue(),
              stepTokens.orElseThrow().intValue(),
              maxKvBytes.orElseThrow(),
              overlong.orElseThrow(),
              new EngineConfig.Host(
                  parallelism.orElseThrow().intValue(), packedCache.orElseThrow()),
              new EngineConfig.KeysValues(kvType.orElseThrow(), prefixCache.orElseThrow()),
              admission.orElseThrow()));
    } catch (EngineException e) {
      reader.problem("engine: " + e.getMessage());
      return Optional.empty();
    }
  }

  private static Optional<SamplingParams> sampling(ConfigReader reader) {
    Optional<Long> maxTokens = reader.find(ConfigKeys.MAX_TOKENS);
    Optional<Float> temperature = reader.find(ConfigKeys.TEMPERATURE);
    Optional<Long> topK = reader.find(ConfigKeys.TOP_K);
    Optional<Float> topP = reader.find(ConfigKeys.TOP_P);
    Optional<Float> minP = reader.find(ConfigKeys.MIN_P);
    Optional<Float> penalty = reader.find(ConfigKeys.REPETITION_PENALTY);
    Optional<Long> seed = reader.find(ConfigKeys.SEED);
    Optional<List<String>> stop = reader.find(ConfigKeys.STOP);
    Optional<Long> logprobs = reader.find(ConfigKeys.LOGPROBS);
    Optional<ResponseFormat> format = reader.find(ConfigKeys.RESPONSE_FORMAT);
    for (Optional<?> value :
        List.of(maxTokens, temperature, topK, topP, minP, penalty, seed, stop, logprobs, format)) {
      if (value.isEmpty()) {
        return Optional.empty();
      }
    }
    try {
      return Optional.of(
          new SamplingParams(
              maxTokens.orElseThrow().intValue(),
              temperature.orElseThrow(),
              topK.orElseThrow().intValue(),
              topP.orElseThrow(),
              minP.orElseThrow(),
              penalty.orElseThrow(),
              seed.orElseThrow(),
              stop.orElseThrow(),
              logprobs.orElseThrow().intValue(),
              format.orElseThrow()));
    } catch (EngineException e) {
      reader.problem("sampling: " + e.getMessage());
      return Optional.empty();
    }
  }
}
