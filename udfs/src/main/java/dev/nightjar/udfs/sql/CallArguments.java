package dev.nightjar.udfs.sql;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.udfs.NearestName;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CreateMap;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The arguments of one call as written: parameters by position or by name, options by name, as a
 * map or as a struct.
 */
final class CallArguments {
  private static final String OPTIONS = "options";
  private static final JsonMapper JSON = new JsonMapper();

  private final String function;
  private final List<String> parameters;
  private final Set<FunctionOption> known;
  private final Map<String, Expression> bound = new LinkedHashMap<>();
  private final Map<FunctionOption, String> options = new EnumMap<>(FunctionOption.class);

  /**
   * Sorts the arguments of a call.
   *
   * @param parameters names of the parameters, in order; the options follow them
   * @throws EngineException when one is unknown, missing, given twice, or an option not constant
   */
  CallArguments(
      String function,
      List<String> parameters,
      Set<FunctionOption> known,
      List<Expression> arguments) {
    this.function = function;
    this.parameters = parameters;
    this.known = known;
    List<String> positions = new ArrayList<>(parameters);
    positions.add(OPTIONS);
    int position = 0;
    for (Expression argument : arguments) {
      if (argument instanceof NamedArgumentExpression named) {
        add(named.key().toLowerCase(Locale.ROOT), named.value());
      } else if (position < positions.size()) {
        add(positions.get(position), argument);
        position++;
      } else {
        throw invalid(
            "has "
                + arguments.size()
                + " arguments, expected "
                + positions
                + "; name the options, as in max_tokens => 64");
      }
    }
  }

  private void add(String name, Expression value) {
    if (name.equals(OPTIONS)) {
      constants(value).forEach(this::addOption);
    } else if (!parameters.contains(name)) {
      addOption(name, constant(name, value));
    } else if (bound.put(name, value) != null) {
      throw invalid("argument '" + name + "' is given twice");
    }
  }

  private void addOption(String name, Object value) {
    FunctionOption option = null;
    List<String> names = new ArrayList<>();
    for (FunctionOption candidate : known) {
      names.add(candidate.sqlName());
      if (candidate.sqlName().equals(name.toLowerCase(Locale.ROOT))) {
        option = candidate;
      }
    }
    if (option == null) {
      names.addAll(parameters);
      throw invalid(
          "option '" + name + "' is unknown" + NearestName.hint(name, names) + " Known: " + names);
    }
    if (value != null && options.put(option, text(value)) != null) {
      throw invalid("option '" + name + "' is given twice");
    }
  }

  private static String text(Object value) {
    if (!(value instanceof scala.collection.Seq<?> list)) {
      return value.toString();
    }
    try {
      return JSON.writeValueAsString(CollectionConverters.asJava(list));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a list of plain values is JSON", e);
    }
  }

  /** A parameter that must be there. */
  Expression required(String name) {
    return optional(name)
        .orElseThrow(() -> invalid("argument '" + name + "' is missing, expected " + parameters));
  }

  /** A parameter that may be left out. */
  Optional<Expression> optional(String name) {
    return Optional.ofNullable(bound.get(name));
  }

  /** The options over a session's configuration. */
  OptionValues options(Function<String, Optional<String>> session) {
    return new OptionValues(function, options, session);
  }

  /** The value of an expression that is the same for all rows, as Java and Scala have it. */
  Object constant(String name, Expression value) {
    if (!value.foldable()) {
      throw invalid(
          "'"
              + name
              + "' is "
              + value.sql()
              + ", expected a constant: it is the same for all rows");
    }
    return CatalystTypeConverters.convertToScala(value.eval(null), value.dataType());
  }

  /** The entries of a map or struct, each by itself, so that they need not be of one type. */
  private Map<String, Object> constants(Expression value) {
    Map<String, Object> entries = new LinkedHashMap<>();
    if (value instanceof CreateMap map) {
      for (int i = 0; i < map.keys().size(); i++) {
        String key = String.valueOf(constant(OPTIONS, map.keys().apply(i)));
        entries.put(key, constant(key, asWritten(map.values().apply(i))));
      }
      return entries;
    }
    switch (constant(OPTIONS, value)) {
      case scala.collection.Map<?, ?> map ->
          CollectionConverters.asJava(map).forEach((key, v) -> entries.put(key.toString(), v));
      case Row row -> {
        for (String field : row.schema().fieldNames()) {
          entries.put(field, row.get(row.fieldIndex(field)));
        }
      }
      case null, default ->
          throw invalid(
              "options are "
                  + value.sql()
                  + ", expected map('max_tokens', '64', ...) or named_struct('max_tokens', 64,"
                  + " ...)");
    }
    return entries;
  }

  /** Without the casts to a common type that the analyzer puts around a map's values. */
  private static Expression asWritten(Expression value) {
    return value instanceof Cast cast ? asWritten(cast.child()) : value;
  }

  EngineException invalid(String message) {
    return new EngineException(ErrorCode.INVALID_OPTION, function + ": " + message);
  }
}
