package dev.nightjar.udfs;

import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.udfs.openai.BatchLine;
import dev.nightjar.udfs.openai.BatchLineReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Turns rows of one schema into prompts. Faults of the schema are {@link EngineException}s when the
 * reader is made, on the driver; faults of a row never throw: they become {@link Prompt.Missing} or
 * {@link Prompt.Invalid}.
 */
abstract sealed class PromptReader {
  private final int maxChars;

  private PromptReader(int maxChars) {
    this.maxChars = maxChars;
  }

  /** Binds the options' prompt source to a schema. */
  static PromptReader bind(InferenceOptions options, StructType schema) {
    int maxChars = options.maxPromptChars();
    return switch (options.prompt()) {
      case PromptSource.RawText(String column) ->
          new Texts(textColumn(schema, column), PromptSource.Shape.RAW, null, maxChars);
      case PromptSource.UserMessage(String column, String system) ->
          new Texts(textColumn(schema, column), PromptSource.Shape.CHAT, system, maxChars);
      case PromptSource.Conversation(String column) -> conversation(schema, column, maxChars);
      case PromptSource.Filled(PromptTemplate template, PromptSource.Shape shape, String system) ->
          template(schema, template, shape, system, maxChars);
      case PromptSource.BatchLines() ->
          new Lines(
              textColumn(schema, PromptSource.BatchLines.REQUEST),
              find(schema, PromptSource.BatchLines.DUPLICATE_OF),
              new BatchLineReader(options.sampling()),
              maxChars);
    };
  }

  /** The prompt of one row; never throws for its content. */
  abstract Prompt read(Row row);

  /**
   * The row's request, for sources whose rows have a key and a task of their own; empty for others.
   */
  Optional<GenerationRequest> request(Row row) {
    return Optional.empty();
  }

  final Prompt checked(String text, PromptSource.Shape shape, String system) {
    if (text.length() > maxChars) {
      return tooLong(text.length());
    }
    return switch (shape) {
      case RAW -> new Prompt.Text(text);
      case CHAT ->
          new Prompt.Messages(
              system == null
                  ? List.of(new ChatMessage("user", text))
                  : List.of(new ChatMessage("system", system), new ChatMessage("user", text)));
    };
  }

  final Prompt checked(List<ChatMessage> messages) {
    long chars = 0;
    for (ChatMessage message : messages) {
      chars += message.content().length();
    }
    return chars > maxChars ? tooLong(chars) : new Prompt.Messages(messages);
  }

  private Prompt tooLong(long chars) {
    return invalid(
        "the prompt has "
            + chars
            + " characters, expected at most "
            + maxChars
            + " (prompt.max-chars)");
  }

  static Prompt invalid(String message) {
    return new Prompt.Invalid(new RowError(ErrorCode.INVALID_PROMPT, message));
  }

  /** One string column. */
  private static final class Texts extends PromptReader {
    private final int column;
    private final PromptSource.Shape shape;
    private final String system;

    Texts(int column, PromptSource.Shape shape, String system, int maxChars) {
      super(maxChars);
      this.column = column;
      this.shape = shape;
      this.system = system;
    }

    @Override
    Prompt read(Row row) {
      Object value = row.get(column);
      return value == null ? new Prompt.Missing() : checked(value.toString(), shape, system);
    }
  }

  /** One column of lines of OpenAI's batch API. */
  private static final class Lines extends PromptReader {
    private final int column;
    private final int duplicateOf;
    private final BatchLineReader reader;
    private final RequestHash hash = new RequestHash();

    Lines(int column, int duplicateOf, BatchLineReader reader, int maxChars) {
      super(maxChars);
      this.column = column;
      this.duplicateOf = duplicateOf;
      this.reader = reader;
    }

    @Override
    Prompt read(Row row) {
      return line(row).prompt();
    }

    private BatchLine line(Row row) {
      BatchLine line = reader.read(row.isNullAt(column) ? "" : row.getString(column));
      Prompt prompt =
          switch (line.prompt()) {
            case Prompt.Text(String text) -> checked(text, PromptSource.Shape.RAW, null);
            case Prompt.Messages(List<ChatMessage> messages) -> checked(messages);
            case Prompt other -> other;
          };
      if (duplicateOf >= 0 && !row.isNullAt(duplicateOf)) {
        prompt =
            invalid(
                "custom_id is that of line "
                    + row.get(duplicateOf)
                    + " already, expected a name of its own for each line");
      }
      return line.withPrompt(prompt);
    }

    @Override
    Optional<GenerationRequest> request(Row row) {
      BatchLine line = line(row);
      String key =
          line.customId() != null
              ? line.customId()
              : hash.ofPrompt(new Prompt.Text(String.valueOf(row.get(column))));
      return Optional.of(new GenerationRequest(key, line.prompt(), line.task()));
    }
  }

  /** One column of messages. */
  private static final class Messages extends PromptReader {
    private final String name;
    private final int column;
    private final int role;
    private final int content;

    Messages(String name, int column, int role, int content, int maxChars) {
      super(maxChars);
      this.name = name;
      this.column = column;
      this.role = role;
      this.content = content;
    }

    @Override
    Prompt read(Row row) {
      if (row.isNullAt(column)) {
        return new Prompt.Missing();
      }
      List<Row> values = row.getList(column);
      if (values.isEmpty()) {
        return invalid("column '" + name + "' is an empty array, expected at least one message");
      }
      List<ChatMessage> messages = new ArrayList<>(values.size());
      for (Row value : values) {
        if (value == null || value.isNullAt(role) || value.isNullAt(content)) {
          return invalid(
              "column '"
                  + name
                  + "', message "
                  + messages.size()
                  + ": role or content is null, expected both");
        }
        messages.add(new ChatMessage(value.getString(role), value.getString(content)));
      }
      return checked(messages);
    }
  }

  /** A template over columns; a null column leaves nothing in its place, unless all are null. */
  private static final class Template extends PromptReader {
    private final List<String> literals;
    private final List<int[]> paths;
    private final PromptSource.Shape shape;
    private final String system;

    /**
     * Literals and paths alternate, beginning and ending with a literal.
     *
     * @param paths per placeholder the indexes from the row down to the value
     */
    Template(
        List<String> literals,
        List<int[]> paths,
        PromptSource.Shape shape,
        String system,
        int maxChars) {
      super(maxChars);
      this.literals = literals;
      this.paths = paths;
      this.shape = shape;
      this.system = system;
    }

    @Override
    Prompt read(Row row) {
      StringBuilder out = new StringBuilder(literals.getFirst());
      boolean any = false;
      for (int i = 0; i < paths.size(); i++) {
        Object value = valueAt(row, paths.get(i));
        if (value != null) {
          any = true;
          out.append(value);
        }
        out.append(literals.get(i + 1));
      }
      return any ? checked(out.toString(), shape, system) : new Prompt.Missing();
    }

    private static Object valueAt(Row row, int[] path) {
      Object value = row;
      for (int index : path) {
        if (value == null) {
          return null;
        }
        value = ((Row) value).get(index);
      }
      return value;
    }
  }

  private static PromptReader conversation(StructType schema, String column, int maxChars) {
    int index = indexOf(schema, column);
    DataType type = schema.fields()[index].dataType();
    if (type instanceof ArrayType array && array.elementType() instanceof StructType message) {
      int role = find(message, "role");
      int content = find(message, "content");
      if (role >= 0
          && content >= 0
          && message.fields()[role].dataType() instanceof StringType
          && message.fields()[content].dataType() instanceof StringType) {
        return new Messages(column, index, role, content, maxChars);
      }
    }
    throw new EngineException(
        ErrorCode.INVALID_OPTION,
        "messages column '"
            + column
            + "' has type "
            + type.simpleString()
            + ", expected array<struct<role:string,content:string>>; use a query with from_json to"
            + " convert it");
  }

  private static PromptReader template(
      StructType schema,
      PromptTemplate template,
      PromptSource.Shape shape,
      String system,
      int maxChars) {
    List<String> literals = new ArrayList<>();
    List<int[]> paths = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    for (PromptTemplate.Part part : template.parts()) {
      switch (part) {
        case PromptTemplate.Literal(String text) -> literal.append(text);
        case PromptTemplate.Column(String path) -> {
          literals.add(literal.toString());
          literal.setLength(0);
          paths.add(resolve(schema, path));
        }
      }
    }
    literals.add(literal.toString());
    return new Template(literals, paths, shape, system, maxChars);
  }

  private static int[] resolve(StructType schema, String path) {
    if (find(schema, path) >= 0) {
      int index = find(schema, path);
      checkPrintable(path, schema.fields()[index].dataType());
      return new int[] {index};
    }
    String[] names = path.split("\\.", -1);
    int[] indexes = new int[names.length];
    DataType type = schema;
    for (int i = 0; i < names.length; i++) {
      indexes[i] = type instanceof StructType struct ? find(struct, names[i]) : -1;
      if (indexes[i] < 0) {
        throw unknownColumn("prompt template: column '" + path + "'", path, schema);
      }
      type = ((StructType) type).fields()[indexes[i]].dataType();
    }
    checkPrintable(path, type);
    return indexes;
  }

  private static void checkPrintable(String path, DataType type) {
    if (type instanceof StructType
        || type instanceof ArrayType
        || type instanceof MapType
        || type instanceof BinaryType) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "prompt template: column '"
              + path
              + "' has type "
              + type.simpleString()
              + ", expected a plain value; use a query with to_json or array_join to make text of"
              + " it");
    }
  }

  private static int textColumn(StructType schema, String column) {
    int index = indexOf(schema, column);
    DataType type = schema.fields()[index].dataType();
    if (!(type instanceof StringType)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "prompt column '"
              + column
              + "' has type "
              + type.simpleString()
              + ", expected string; cast it in a query, or use a template");
    }
    return index;
  }

  /** Index of a column by name, not minding case, as Spark SQL does. */
  static int indexOf(StructType schema, String column) {
    int index = find(schema, column);
    if (index < 0) {
      throw unknownColumn("column '" + column + "'", column, schema);
    }
    return index;
  }

  private static EngineException unknownColumn(String what, String name, StructType schema) {
    List<String> names = List.of(schema.fieldNames());
    return new EngineException(
        ErrorCode.INVALID_OPTION,
        what + " is not in the input, which has " + names + NearestName.hint(name, names));
  }

  /** Index of a field by name, the exact one first, else not minding case; -1 without one. */
  static int find(StructType schema, String name) {
    StructField[] fields = schema.fields();
    int found = -1;
    for (int i = 0; i < fields.length; i++) {
      if (fields[i].name().equals(name)) {
        return i;
      }
      if (found < 0 && lower(fields[i].name()).equals(lower(name))) {
        found = i;
      }
    }
    return found;
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }
}
