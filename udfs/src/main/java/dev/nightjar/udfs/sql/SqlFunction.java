package dev.nightjar.udfs.sql;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.udfs.InferenceOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import scala.Function1;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** The model functions of SQL: names, parameters, documentation, and how a call is made. */
enum SqlFunction {
  GENERATE(
      List.of("prompt"),
      FunctionOption.ofGeneration(),
      "_FUNC_(prompt [, name => value ...]) - The model's answer to a prompt (STRING, or"
          + " ARRAY<STRUCT<role, content>>) as a STRUCT.",
      "SELECT _FUNC_(body, max_tokens => 64, depth => 'dllm').text FROM mails;"),
  CLASSIFY(
      List.of("prompt", "labels"),
      FunctionOption.and(FunctionOption.ANSWER_PREFIX, FunctionOption.LENGTH),
      "_FUNC_(prompt, labels [, name => value ...]) - The likeliest of some labels as an answer to"
          + " a prompt, without decoding, as a STRUCT.",
      "SELECT _FUNC_(body, array('spam', 'ham')).label FROM mails;"),
  EXTRACT(
      List.of("prompt", "schema"),
      FunctionOption.ofGeneration(),
      "_FUNC_(prompt, schema [, name => value ...]) - The model's answer as JSON that fits a"
          + " schema (Spark DDL or JSON Schema), always; the same STRUCT as llm_generate.",
      "SELECT from_json(_FUNC_(body, 'sender STRING, amount DOUBLE').parsed, 'sender STRING,"
          + " amount DOUBLE') FROM mails;"),
  SCORE(
      List.of("prompt", "continuation"),
      FunctionOption.and(FunctionOption.ANSWER_PREFIX),
      "_FUNC_(prompt, continuation [, name => value ...]) - How likely a continuation is as the"
          + " answer to a prompt, as a STRUCT.",
      "SELECT _FUNC_(question, answer).mean_logprob FROM pairs;"),
  EMBED(
      List.of("text"),
      FunctionOption.and(FunctionOption.POOLING, FunctionOption.UNIT),
      "_FUNC_(text [, name => value ...]) - A vector of the text, as a STRUCT.",
      "SELECT _FUNC_(body).vector FROM mails;"),
  COUNT_TOKENS(
      List.of("text"),
      FunctionOption.OF_ALL,
      "_FUNC_(text [, name => value ...]) - The number of tokens of a prompt, as an INT.",
      "SELECT sum(_FUNC_(body)) FROM mails;");

  private static final String SINCE = "0.1.0";

  private final List<String> parameters;
  private final Set<FunctionOption> options;
  private final String usage;
  private final String example;

  SqlFunction(List<String> parameters, Set<FunctionOption> options, String usage, String example) {
    this.parameters = parameters;
    this.options = options;
    this.usage = usage;
    this.example = example;
  }

  /** The name in SQL. */
  String sqlName() {
    return "llm_" + name().toLowerCase(Locale.ROOT);
  }

  FunctionIdentifier identifier() {
    return new FunctionIdentifier(sqlName());
  }

  /** What {@code DESCRIBE FUNCTION EXTENDED} tells. */
  ExpressionInfo info() {
    StringBuilder names = new StringBuilder("\n    Options:\n");
    for (FunctionOption option : options) {
      names.append("      * ").append(option.sqlName());
      if (option.key() != null) {
        names.append(" (").append(FunctionOption.PREFIX).append(option.key()).append(')');
      }
      if (option.fallback() != null) {
        names.append(" = ").append(option.fallback());
      }
      names.append('\n');
    }
    return new ExpressionInfo(
        LlmCall.class.getName(),
        null,
        sqlName(),
        usage,
        names.append("  ").toString(),
        "\n    Examples:\n      > " + example + "\n  ",
        "",
        "misc_funcs",
        SINCE,
        "",
        "scala_udf");
  }

  /** Makes calls, in the session that analyses the query. */
  Function1<Seq<Expression>, Expression> builder() {
    return arguments -> call(Seqs.list(arguments), SqlFunction::sessionValue);
  }

  /** Not of {@code SQLConf.get}, which within a view knows Spark's own keys only. */
  private static Optional<String> sessionValue(String key) {
    return Optional.ofNullable(SparkSession.active().conf().get(key, null));
  }

  /**
   * Makes a call.
   *
   * @param session the session's configuration by full name
   * @throws EngineException when arguments or options are wrong
   */
  LlmCall call(List<Expression> written, Function<String, Optional<String>> session) {
    CallArguments arguments = new CallArguments(sqlName(), parameters, options, written);
    OptionValues values = arguments.options(session);
    Expression prompt = arguments.required(parameters.getFirst());
    InferenceOptions inference = values.inference(ArgumentTypes.isConversation(prompt.dataType()));
    DepthSpec.parse(inference.engine().depth());
    return switch (this) {
      case GENERATE -> generate(inference, ResponseFormats.of(arguments, values), prompt);
      case EXTRACT -> generate(inference, ResponseFormats.ofSchema(arguments, values), prompt);
      case CLASSIFY -> classify(arguments, values, inference, prompt);
      case SCORE ->
          new LlmCall(
              new LlmTask.Score(inference, values.text(FunctionOption.ANSWER_PREFIX).orElseThrow()),
              Seqs.of(prompt, arguments.required("continuation")));
      case EMBED ->
          new LlmCall(
              new LlmTask.Embed(
                  inference,
                  new Task.Embed(
                      values.choice(FunctionOption.POOLING, Task.Pooling.class),
                      values.flag(FunctionOption.UNIT))),
              Seqs.of(prompt));
      case COUNT_TOKENS -> new LlmCall(new LlmTask.CountTokens(inference), Seqs.of(prompt));
    };
  }

  private LlmCall generate(InferenceOptions inference, ResponseFormat format, Expression prompt) {
    LlmEngine.checkFormat(format);
    InferenceOptions formatted = inference.withSampling(inference.sampling().withFormat(format));
    return new LlmCall(new LlmTask.Generate(sqlName(), formatted), Seqs.of(prompt));
  }

  private static LlmCall classify(
      CallArguments arguments, OptionValues values, InferenceOptions inference, Expression prompt) {
    Expression labels = arguments.required("labels");
    String prefix = values.text(FunctionOption.ANSWER_PREFIX).orElseThrow();
    Task.Length length = values.choice(FunctionOption.LENGTH, Task.Length.class);
    if (!labels.foldable()) {
      return new LlmCall(
          new LlmTask.Classify(inference, List.of(), prefix, length), Seqs.of(prompt, labels));
    }
    List<String> texts = new ArrayList<>();
    if (arguments.constant("labels", labels) instanceof scala.collection.Seq<?> list) {
      for (Object label : CollectionConverters.asJava(list)) {
        if (!(label instanceof String text)) {
          throw arguments.invalid("label " + texts.size() + " is " + label + ", expected a text");
        }
        texts.add(text);
      }
    } else {
      throw arguments.invalid("labels are " + labels.sql() + ", expected array('a', 'b', ...)");
    }
    Task.Choose checked = new Task.Choose(texts, prefix, length);
    return new LlmCall(
        new LlmTask.Classify(inference, checked.labels(), prefix, length), Seqs.of(prompt));
  }
}
