package dev.nightjar.udfs.sql;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.PromptSource;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The options of one call: what the call says wins over the session's {@code spark.nightjar.*}
 * configuration, and that over the defaults.
 */
final class OptionValues {
  /** Not a run of the job: equal calls must have equal options. */
  private static final String RUN_ID = "sql";

  private static final JsonMapper JSON = new JsonMapper();

  private final String function;
  private final Map<FunctionOption, String> given;
  private final Function<String, Optional<String>> session;

  /**
   * Joins the two.
   *
   * @param given texts; lists are JSON arrays
   * @param session the session's configuration by full name
   */
  OptionValues(
      String function,
      Map<FunctionOption, String> given,
      Function<String, Optional<String>> session) {
    this.function = function;
    this.given = Map.copyOf(given);
    this.session = session;
  }

  /** The option's text, if there is one. */
  Optional<String> text(FunctionOption option) {
    String value = given.get(option);
    if (value != null) {
      return Optional.of(value);
    }
    Optional<String> configured =
        option.key() == null
            ? Optional.empty()
            : session.apply(FunctionOption.PREFIX + option.key());
    return configured.or(() -> Optional.ofNullable(option.fallback()));
  }

  /** Whether the call itself has the option. */
  boolean isGiven(FunctionOption option) {
    return given.containsKey(option);
  }

  int integer(FunctionOption option) {
    return Math.toIntExact(whole(option));
  }

  long whole(FunctionOption option) {
    return parse(option, "a whole number", text -> Long.parseLong(text.strip()));
  }

  float number(FunctionOption option) {
    return parse(option, "a number", text -> Float.parseFloat(text.strip()));
  }

  boolean flag(FunctionOption option) {
    String text = text(option).orElseThrow().strip().toLowerCase(Locale.ROOT);
    if (!text.equals("true") && !text.equals("false")) {
      throw invalid(option, text, "true or false");
    }
    return text.equals("true");
  }

  <E extends Enum<E>> E choice(FunctionOption option, Class<E> type) {
    List<String> names =
        Arrays.stream(type.getEnumConstants())
            .map(e -> e.name().toLowerCase(Locale.ROOT).replace('_', '-'))
            .toList();
    String text = text(option).orElseThrow();
    int index = names.indexOf(text.strip().toLowerCase(Locale.ROOT).replace('_', '-'));
    if (index < 0) {
      throw invalid(option, text, "one of " + names);
    }
    return type.getEnumConstants()[index];
  }

  /** One text, or those of a JSON array; none without the option. */
  List<String> texts(FunctionOption option) {
    Optional<String> text = text(option);
    if (text.isEmpty()) {
      return List.of();
    }
    if (!text.get().startsWith("[")) {
      return List.of(text.get());
    }
    try {
      return JSON.readValue(text.get(), new TypeReference<List<String>>() {});
    } catch (JsonProcessingException e) {
      throw invalid(option, text.get(), "a text or an array of texts");
    }
  }

  private <T> T parse(FunctionOption option, String expected, Function<String, T> parser) {
    String text = text(option).orElseThrow();
    try {
      return parser.apply(text);
    } catch (NumberFormatException | ArithmeticException e) {
      throw invalid(option, text, expected);
    }
  }

  private EngineException invalid(FunctionOption option, String found, String expected) {
    String place =
        isGiven(option) || option.key() == null
            ? "option '" + option.sqlName() + "'"
            : FunctionOption.PREFIX + option.key();
    return new EngineException(
        ErrorCode.INVALID_OPTION,
        function + ": " + place + " is '" + found + "', expected " + expected);
  }

  /**
   * Everything the executors need, with the prompt in the field {@link RequestReader#PROMPT}.
   *
   * @param conversation whether prompts are lists of messages
   */
  InferenceOptions inference(boolean conversation) {
    ErrorMode errorMode = choice(FunctionOption.ON_ERROR, ErrorMode.class);
    if (errorMode == ErrorMode.DROP_MALFORMED) {
      if (isGiven(FunctionOption.ON_ERROR)) {
        throw invalid(
            FunctionOption.ON_ERROR, "drop-malformed", "permissive or fail-fast; filter on error");
      }
      errorMode = ErrorMode.PERMISSIVE;
    }
    return new InferenceOptions(
        text(FunctionOption.MODEL).orElseThrow(),
        engine(),
        sampling(),
        prompt(conversation),
        null,
        integer(FunctionOption.MAX_PROMPT_CHARS),
        errorMode,
        RUN_ID,
        LocalDate.EPOCH);
  }

  private PromptSource prompt(boolean conversation) {
    String system = text(FunctionOption.SYSTEM).orElse(null);
    boolean chat = flag(FunctionOption.CHAT);
    if (conversation) {
      if (isGiven(FunctionOption.SYSTEM)) {
        throw invalid(FunctionOption.SYSTEM, system, "none where the prompt is a list of messages");
      }
      return new PromptSource.Conversation(RequestReader.PROMPT);
    }
    if (!chat && isGiven(FunctionOption.SYSTEM)) {
      throw invalid(FunctionOption.SYSTEM, system, "none where chat is false");
    }
    return chat
        ? new PromptSource.UserMessage(RequestReader.PROMPT, system)
        : new PromptSource.RawText(RequestReader.PROMPT);
  }

  private EngineConfig engine() {
    return new EngineConfig(
        text(FunctionOption.DEPTH).orElseThrow().strip(),
        integer(FunctionOption.BATCH_SIZE),
        integer(FunctionOption.PROMPT_CHUNK),
        integer(FunctionOption.STEP_TOKENS),
        bytes(FunctionOption.MAX_KV_BYTES),
        choice(FunctionOption.OVERLONG, EngineConfig.Overlong.class),
        new EngineConfig.Host(
            integer(FunctionOption.PARALLELISM), text(FunctionOption.PACKED_CACHE).orElseThrow()),
        new EngineConfig.KeysValues(
            choice(FunctionOption.KV_TYPE, KvType.class), bytes(FunctionOption.PREFIX_CACHE)),
        choice(FunctionOption.ADMISSION, EngineConfig.Admission.class));
  }

  private long bytes(FunctionOption option) {
    return parse(
        option,
        "a size such as 512m",
        text -> {
          String digits = text.strip().toLowerCase(Locale.ROOT);
          int shift = "kmg".indexOf(digits.charAt(digits.length() - 1));
          long number =
              Long.parseLong(shift < 0 ? digits : digits.substring(0, digits.length() - 1));
          return Math.multiplyExact(number, 1L << 10 * (shift + 1));
        });
  }

  private SamplingParams sampling() {
    return new SamplingParams(
        integer(FunctionOption.MAX_TOKENS),
        number(FunctionOption.TEMPERATURE),
        integer(FunctionOption.TOP_K),
        number(FunctionOption.TOP_P),
        number(FunctionOption.MIN_P),
        number(FunctionOption.REPETITION_PENALTY),
        whole(FunctionOption.SEED),
        texts(FunctionOption.STOP),
        integer(FunctionOption.LOGPROBS));
  }
}
