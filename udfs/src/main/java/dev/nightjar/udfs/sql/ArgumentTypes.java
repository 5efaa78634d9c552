package dev.nightjar.udfs.sql;

import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Checks the types of the arguments that differ from row to row. */
final class ArgumentTypes {
  private ArgumentTypes() {}

  /** What is wrong with a call's arguments, in a sentence that names the cure. */
  static Optional<String> problem(LlmTask task, List<Expression> arguments) {
    DataType prompt = arguments.getFirst().dataType();
    if (!isText(prompt) && !isConversation(prompt)) {
      return Optional.of(
          "the prompt of "
              + task.function()
              + " has type "
              + prompt.simpleString()
              + ", expected string or array<struct<role:string,content:string>>; cast it");
    }
    if (arguments.size() < 2) {
      return Optional.empty();
    }
    DataType second = arguments.get(1).dataType();
    return switch (task) {
      case LlmTask.Classify _
          when !(second instanceof ArrayType labels && isText(labels.elementType())) ->
          Optional.of(
              "the labels of llm_classify have type "
                  + second.simpleString()
                  + ", expected array<string>");
      case LlmTask.Score _ when !isText(second) ->
          Optional.of(
              "the continuation of llm_score has type "
                  + second.simpleString()
                  + ", expected string; cast it");
      default -> Optional.empty();
    };
  }

  /** Whether a prompt of this type is a list of messages. */
  static boolean isConversation(DataType type) {
    return type instanceof ArrayType array
        && array.elementType() instanceof StructType message
        && hasText(message, "role")
        && hasText(message, "content");
  }

  private static boolean hasText(StructType struct, String name) {
    for (StructField field : struct.fields()) {
      if (field.name().equalsIgnoreCase(name)) {
        return isText(field.dataType());
      }
    }
    return false;
  }

  private static boolean isText(DataType type) {
    return type instanceof StringType || type instanceof NullType;
  }
}
