package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.udfs.DdlSchema;
import java.util.ArrayList;
import java.util.List;

/** What a call's answers must look like, from its options. */
final class ResponseFormats {
  private ResponseFormats() {}

  /**
   * From at most one of {@code response_format}, {@code json_schema}, {@code regex}, {@code
   * choices}.
   */
  static ResponseFormat of(CallArguments arguments, OptionValues values) {
    List<ResponseFormat> formats = new ArrayList<>();
    if (values.isGiven(FunctionOption.JSON_SCHEMA)) {
      formats.add(schema(values.text(FunctionOption.JSON_SCHEMA).orElseThrow()));
    }
    if (values.isGiven(FunctionOption.REGEX)) {
      formats.add(new ResponseFormat.Regex(values.text(FunctionOption.REGEX).orElseThrow()));
    }
    if (values.isGiven(FunctionOption.CHOICES)) {
      formats.add(new ResponseFormat.Choice(values.texts(FunctionOption.CHOICES)));
    }
    if (values.isGiven(FunctionOption.RESPONSE_FORMAT)) {
      String name = values.text(FunctionOption.RESPONSE_FORMAT).orElseThrow();
      formats.add(
          switch (name) {
            case "text" -> ResponseFormat.TEXT;
            case "json_object" -> new ResponseFormat.JsonObject();
            default ->
                throw arguments.invalid(
                    "option 'response_format' is '"
                        + name
                        + "', expected text or json_object; or give json_schema, regex or"
                        + " choices");
          });
    }
    if (formats.size() > 1) {
      throw arguments.invalid(
          "more than one format is given, expected one of response_format, json_schema, regex and"
              + " choices");
    }
    return formats.isEmpty() ? ResponseFormat.TEXT : formats.getFirst();
  }

  /** From the {@code schema} argument of {@code llm_extract}. */
  static ResponseFormat ofSchema(CallArguments arguments, OptionValues values) {
    if (of(arguments, values).constrained()) {
      throw arguments.invalid("the schema is the format, expected no other format option");
    }
    Object text = arguments.constant("schema", arguments.required("schema"));
    if (!(text instanceof String given)) {
      throw arguments.invalid(
          "the schema is " + text + ", expected Spark DDL such as 'name STRING' or a JSON Schema");
    }
    return schema(given);
  }

  private static ResponseFormat schema(String text) {
    return new ResponseFormat.JsonSchema(
        text.strip().startsWith("{") ? text : DdlSchema.jsonSchema(text));
  }
}
