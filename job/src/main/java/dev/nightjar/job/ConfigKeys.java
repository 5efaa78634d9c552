package dev.nightjar.job;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.udfs.ErrorMode;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Every key of a job's configuration, with default, unit, documentation and parser; the only place
 * that knows them. The page {@code docs/configuration.md} lists exactly these.
 */
final class ConfigKeys {
  /** Where the answers go when the target exists. */
  enum OutputMode {
    /** New files beside the old ones. */
    APPEND,
    /** The partitions of this run's date are replaced, others are kept. */
    OVERWRITE_PARTITIONS,
    /** An existing target is an error. */
    ERROR_IF_EXISTS
  }

  /** What is written about a run. */
  enum Report {
    /** A page with texts of some rows. */
    FULL,
    /** A page without texts of prompts and answers. */
    NUMBERS,
    /** No page. */
    OFF
  }

  /** Which rows that have an error in the table are run again. */
  enum RetryErrors {
    /** None. */
    NONE,
    /** Those whose error may go away. */
    RETRIABLE,
    /** All. */
    ALL
  }

  /** Prefixes of keys that are passed on to Spark as they are. */
  static final List<ConfigKey<String>> PREFIXES =
      List.of(
          prefix("input.options.", "an option of the input's Spark data source"),
          prefix("output.options.", "an option of the output's Spark data source"),
          prefix("spark.", "a Spark property, for a session that the job starts itself"));

  private static final List<ConfigKey<?>> ALL = new ArrayList<>();

  static final ConfigKey<String> MODEL =
      text(
          "model",
          "--model",
          "embedded",
          "a GGUF file or Hugging Face folder at a path that every"
              + " executor sees, or `embedded`");
  static final ConfigKey<String> DEPTH =
      key(
          "depth",
          "--depth",
          "full",
          "depth policy",
          "layers spent on each token, see" + " `docs/depth-policies.md`",
          ConfigParsers::depth);

  static final ConfigKey<String> INPUT_PATH =
      text("input.path", "--input", null, "file or folder to read; comma-separated for several");
  static final ConfigKey<String> INPUT_FORMAT =
      text(
          "input.format",
          "--input-format",
          "auto",
          "Spark data source (`parquet`, `json`, `csv`,"
              + " `text`, ...), or `openai-batch`; `auto` goes by the file name and falls back to"
              + " `parquet`");
  static final ConfigKey<String> INPUT_SCHEMA =
      text(
          "input.schema",
          "--input-schema",
          null,
          "schema of the input in Spark's DDL, for sources" + " that would have to infer it");
  static final ConfigKey<String> INPUT_QUERY =
      text(
          "input.query",
          "--query",
          null,
          "SQL query that yields the rows; with `input.path` the"
              + " data is there as the view `input`");
  static final ConfigKey<String> INPUT_KEY =
      text(
          "input.key-column",
          "--key-column",
          null,
          "column that identifies a row; becomes `custom_id` and, with the seed, fixes the row's"
              + " random stream; without one a hash of the prompt does");
  static final ConfigKey<Long> INPUT_LIMIT =
      integer(
          "input.limit",
          "--limit",
          "0",
          "rows",
          0,
          Long.MAX_VALUE,
          "rows to take at most; 0" + " takes all");

  static final ConfigKey<String> PROMPT_COLUMN =
      text("prompt.column", "--prompt-column", null, "string column with the prompt");
  static final ConfigKey<String> PROMPT_MESSAGES =
      text(
          "prompt.messages-column",
          "--messages-column",
          null,
          "column of" + " `array<struct<role,content>>` with a conversation");
  static final ConfigKey<String> PROMPT_TEMPLATE =
      text(
          "prompt.template",
          "--template",
          null,
          "prompt with `{{column}}` placeholders; `{{{{` is" + " a literal `{{`");
  static final ConfigKey<String> PROMPT_SYSTEM =
      text("prompt.system", "--system", null, "system message in front of each prompt");
  static final ConfigKey<Boolean> PROMPT_CHAT =
      key(
          "prompt.chat",
          "--chat",
          "true",
          "`true` or `false`",
          "whether a prompt is a user message"
              + " for the model's chat template; `false` gives it to the model as it is",
          ConfigParsers::bool);
  static final ConfigKey<Long> PROMPT_MAX_CHARS =
      integer(
          "prompt.max-chars",
          "",
          "1000000",
          "characters",
          1,
          Integer.MAX_VALUE,
          "a longer" + " prompt is a row error");

  static final ConfigKey<Long> MAX_TOKENS =
      integer(
          "sampling.max-tokens",
          "--max-tokens",
          "256",
          "tokens",
          1,
          Integer.MAX_VALUE,
          "tokens to generate at most");
  static final ConfigKey<Float> TEMPERATURE =
      number(
          "sampling.temperature",
          "--temperature",
          "0",
          0,
          100,
          "0 takes the most likely token;" + " above, logits are divided by it");
  static final ConfigKey<Long> TOP_K =
      integer(
          "sampling.top-k",
          "--top-k",
          "0",
          "tokens",
          0,
          Integer.MAX_VALUE,
          "sample from the k" + " most likely tokens; 0 from all");
  static final ConfigKey<Float> TOP_P =
      number(
          "sampling.top-p",
          "--top-p",
          "1",
          0,
          1,
          "sample from the smallest set of tokens with" + " this probability, above 0");
  static final ConfigKey<Float> MIN_P =
      number(
          "sampling.min-p",
          "--min-p",
          "0",
          0,
          1,
          "leave out tokens less likely than this times" + " the most likely one, below 1");
  static final ConfigKey<Float> REPETITION_PENALTY =
      number(
          "sampling.repetition-penalty",
          "--repetition-penalty",
          "1",
          0,
          100,
          "makes tokens that" + " were seen less likely; 1 is off");
  static final ConfigKey<Long> SEED =
      integer(
          "sampling.seed",
          "--seed",
          "0",
          "integer",
          Long.MIN_VALUE,
          Long.MAX_VALUE,
          "seed of the run; a row's random stream depends on it and the row's key only");
  static final ConfigKey<List<String>> STOP =
      key(
          "sampling.stop",
          "--stop",
          "[]",
          "list of texts",
          "texts that end a generation, left out" + " of the answer; one text, or a JSON array",
          ConfigParsers::texts);
  static final ConfigKey<Long> LOGPROBS =
      integer(
          "sampling.logprobs",
          "--logprobs",
          "-1",
          "alternatives",
          -1,
          20,
          "alternatives to" + " report for each token; 0 reports the tokens only, -1 nothing");
  static final ConfigKey<ResponseFormat> RESPONSE_FORMAT =
      key(
          "sampling.response-format",
          "--response-format",
          "text",
          "format",
          "what every answer fits: `text`, `json-object`, `json-schema:{...}`, `columns:label"
              + " STRING, ...`, `regex:...` or `choice:[...]`",
          ConfigParsers::responseFormat);

  static final ConfigKey<Long> BATCH_SIZE =
      integer(
          "engine.batch-size", "--batch-size", "32", "rows", 1, 4096, "rows in flight per task");
  static final ConfigKey<Long> PROMPT_CHUNK =
      integer(
          "engine.prompt-chunk",
          "--prompt-chunk",
          "128",
          "tokens",
          0,
          Integer.MAX_VALUE,
          "prompt tokens of a row per step; 0 takes the whole prompt at once");
  static final ConfigKey<Long> STEP_TOKENS =
      integer(
          "engine.step-tokens",
          "",
          "512",
          "tokens",
          1,
          Integer.MAX_VALUE,
          "tokens of all rows" + " of a task per step");
  static final ConfigKey<Long> MAX_KV_BYTES =
      key(
          "engine.max-kv-bytes",
          "",
          "0",
          "bytes, with `k`, `m` or `g`",
          "keys and values of an executor's rows at most; rows wait for room, but every task goes"
              + " on with one; 0 is unlimited",
          ConfigParsers::bytes);
  static final ConfigKey<KvType> KV_TYPE =
      key(
          "engine.kv-type",
          "",
          "f32",
          "`f32`, `f16`, `bf16` or `q8`",
          "how keys and values are stored: the smaller, the less memory, and the less exact",
          text -> ConfigParsers.choice(KvType.class, text));
  static final ConfigKey<Long> PREFIX_CACHE =
      key(
          "engine.prefix-cache",
          "",
          "256m",
          "bytes, with `k`, `m` or `g`",
          "keys and values of prompt beginnings that an executor keeps, so that beginnings that"
              + " rows share are computed once; 0 is off",
          ConfigParsers::bytes);
  static final ConfigKey<EngineConfig.Admission> ADMISSION =
      key(
          "engine.admission",
          "",
          "in-order",
          "`in-order` or `longest-first`",
          "which of the rows that a task has read ahead starts next; results keep their order",
          text -> ConfigParsers.choice(EngineConfig.Admission.class, text));
  static final ConfigKey<EngineConfig.Overlong> OVERLONG =
      key(
          "engine.overlong",
          "",
          "error",
          "`error` or `truncate`",
          "what happens to a prompt that"
              + " does not fit the model's context: a row error, or its oldest tokens are dropped",
          text -> ConfigParsers.choice(EngineConfig.Overlong.class, text));
  static final ConfigKey<Long> PARALLELISM =
      integer(
          "engine.parallelism",
          "--parallelism",
          "0",
          "cores",
          0,
          256,
          "cores that one task uses at most, which helps where few rows are in flight, or with a"
              + " billion parameters and more; 0 takes `spark.task.cpus`");
  static final ConfigKey<String> PACKED_CACHE =
      text(
          "engine.packed-cache",
          "",
          EngineConfig.Host.AUTO,
          "where the executors of a host share packed weights: a folder of the user that runs"
              + " them, `auto` for one below the temporary folder, or `off`");

  static final ConfigKey<String> OUTPUT_PATH =
      text("output.path", "--output", null, "folder of the result table");
  static final ConfigKey<String> OUTPUT_FORMAT =
      text(
          "output.format",
          "--output-format",
          "parquet",
          "Spark data source that can store nested"
              + " columns (`parquet`, `json`, `orc`, `delta` with its jar), or `openai-batch`");
  static final ConfigKey<OutputMode> OUTPUT_MODE =
      key(
          "output.mode",
          "--output-mode",
          "append",
          "`append`, `overwrite-partitions` or" + " `error-if-exists`",
          "what happens to a table that is there: rows are added, the"
              + " partition of the run's date is replaced, or the run stops",
          text -> ConfigParsers.choice(OutputMode.class, text));

  static final ConfigKey<String> OUTPUT_LEDGER =
      text(
          "output.ledger",
          "",
          null,
          "folder of the run ledger, on the output's file system; without it `_nightjar` in the"
              + " output's folder");

  static final ConfigKey<Report> OUTPUT_REPORT =
      key(
          "output.report",
          "--report",
          "full",
          "`full`, `numbers` or `off`",
          "the page `_report.html` about the run in the output's folder: with the texts of up to"
              + " ten rows, without texts, or none",
          text -> ConfigParsers.choice(Report.class, text));

  static final ConfigKey<ErrorMode> ERROR_MODE =
      key(
          "errors.mode",
          "--on-error",
          "permissive",
          "`permissive`, `fail-fast` or `drop-malformed`",
          "a row that fails gets its `error` column set, or fails the run, or is left out",
          text -> ConfigParsers.choice(ErrorMode.class, text));
  static final ConfigKey<Float> MAX_ERROR_RATE =
      number(
          "errors.max-error-rate",
          "--max-error-rate",
          "0.5",
          0,
          1,
          "share of rows that may fail;"
              + " the run stops as soon as more must be, and ends with exit code 2");

  static final ConfigKey<Duration> ROW_TIMEOUT =
      key(
          "errors.row-timeout",
          "--row-timeout",
          "0",
          "duration, `10m` or `45s`",
          "a row that runs longer is a row error; 0 is no limit",
          ConfigParsers::duration);
  static final ConfigKey<Long> QUARANTINE_AFTER =
      integer(
          "errors.quarantine-after",
          "",
          "3",
          "attempts",
          2,
          1000,
          "attempts of a Spark task that may die on a row before the row is set aside as a row"
              + " error; at most `spark.task.maxFailures` less one");

  static final ConfigKey<String> RUN_ID =
      text("run.id", "--run-id", "a random UUID", "name of the run, in every result row");
  static final ConfigKey<LocalDate> RUN_DATE =
      key(
          "run.date",
          "--run-date",
          "today",
          "date, `2026-01-31`",
          "partition of the result table",
          ConfigParsers::date);
  static final ConfigKey<Long> ROWS_PER_TASK =
      integer(
          "run.rows-per-task",
          "--rows-per-task",
          "256",
          "rows",
          1,
          Integer.MAX_VALUE,
          "rows of" + " a Spark task at most; what an executor loses at most when it dies");
  static final ConfigKey<Long> ROWS_PER_CHUNK =
      integer(
          "run.rows-per-chunk",
          "--rows-per-chunk",
          "0",
          "rows",
          0,
          Long.MAX_VALUE,
          "rows that are committed together; what a run loses at most when it dies; 0 takes four"
              + " rounds of tasks");
  static final ConfigKey<Boolean> DEDUPLICATE =
      key(
          "run.deduplicate",
          "--deduplicate",
          "true",
          "`true` or `false`",
          "whether rows with the same request are computed once; the others get `status ="
              + " 'deduplicated'`",
          ConfigParsers::bool);
  static final ConfigKey<RetryErrors> RETRY_ERRORS =
      key(
          "run.retry-errors",
          "--retry-errors",
          "none",
          "`none`, `retriable` or `all`",
          "rows with an error in the table that are taken out of it and run again; the flag alone"
              + " means `retriable`",
          text -> ConfigParsers.choice(RetryErrors.class, text));
  static final ConfigKey<Duration> STOP_AFTER =
      key(
          "run.stop-after",
          "--stop-after",
          "0",
          "duration, `4h`, `90m` or `45s`",
          "the run ends before a chunk that would not be done by then; 0 is no limit",
          ConfigParsers::duration);
  static final ConfigKey<Boolean> DRY_RUN =
      key(
          "run.dry-run",
          "--dry-run",
          "false",
          "`true` or `false`",
          "whether to run a few rows only, write nothing, and tell tokens and core-hours of the"
              + " whole run",
          ConfigParsers::bool);
  static final ConfigKey<Long> PROGRESS_SECONDS =
      integer(
          "run.progress-seconds",
          "",
          "5",
          "seconds",
          0,
          3600,
          "between progress lines; 0 prints" + " none");

  private ConfigKeys() {}

  /** All keys, in the order of the documentation. */
  static List<ConfigKey<?>> all() {
    return List.copyOf(ALL);
  }

  /** The value of a flag that is given alone; empty where it must have one. */
  static Optional<String> valueOfBareFlag(ConfigKey<?> key) {
    if (key == DEDUPLICATE || key == DRY_RUN) {
      return Optional.of("true");
    }
    return key == RETRY_ERRORS ? Optional.of("retriable") : Optional.empty();
  }

  private static ConfigKey<String> prefix(String name, String doc) {
    return new ConfigKey<>(
        name + "*", Optional.empty(), Optional.empty(), "text", doc, text -> text);
  }

  private static <T> ConfigKey<T> key(
      String name,
      String flag,
      String defaultText,
      String kind,
      String doc,
      ConfigKey.Parser<T> parser) {
    ConfigKey<T> key =
        new ConfigKey<>(
            name,
            Optional.of(flag).filter(f -> !f.isEmpty()),
            Optional.ofNullable(defaultText),
            kind,
            doc,
            parser);
    ALL.add(key);
    return key;
  }

  private static ConfigKey<String> text(String name, String flag, String defaultText, String doc) {
    return key(name, flag, defaultText, "text", doc, text -> text);
  }

  private static ConfigKey<Long> integer(
      String name, String flag, String defaultText, String kind, long min, long max, String doc) {
    return key(name, flag, defaultText, kind, doc, text -> ConfigParsers.integer(text, min, max));
  }

  private static ConfigKey<Float> number(
      String name, String flag, String defaultText, int min, int max, String doc) {
    return key(
        name, flag, defaultText, "number", doc, text -> ConfigParsers.number(text, min, max));
  }
}
