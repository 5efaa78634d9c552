package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ResponseFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestDdlSchema {
  @Test
  void columnsBecomeProperties() {
    assertThat(DdlSchema.jsonSchema("label STRING NOT NULL COMMENT 'ham or spam', n INT"))
        .isEqualTo(
            "{\"type\":\"object\",\"properties\":{"
                + "\"label\":{\"type\":\"string\",\"description\":\"ham or spam\"},"
                + "\"n\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":-2147483648,"
                + "\"maximum\":2147483647},{\"type\":\"null\"}]}},"
                + "\"required\":[\"label\",\"n\"],\"additionalProperties\":false}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a VARCHAR(7) NOT NULL       | {\"type\":\"string\",\"maxLength\":7}",
        "a BIGINT NOT NULL           | {\"type\":\"integer\"}",
        "a DOUBLE NOT NULL           | {\"type\":\"number\"}",
        "a DECIMAL(5,2) NOT NULL     | {\"type\":\"number\",\"minimum\":-999,\"maximum\":999}",
        "a DECIMAL(3) NOT NULL       | {\"type\":\"integer\",\"minimum\":-999,\"maximum\":999}",
        "a DATE NOT NULL             | {\"type\":\"string\",\"format\":\"date\"}",
        "a TIMESTAMP NOT NULL        | {\"type\":\"string\",\"format\":\"date-time\"}",
        "a BOOLEAN NOT NULL          | {\"type\":\"boolean\"}",
        "a STRUCT<b: STRING NOT NULL> NOT NULL | {\"type\":\"object\",\"properties\":{\"b\":",
        "a ARRAY<STRING> NOT NULL    | {\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":",
      })
  void everyTypeHasAForm(String ddl, String expected) {
    String schema = DdlSchema.jsonSchema(ddl);
    assertThat(schema).contains("\"a\":" + expected);
    assertThatCode(() -> LlmEngine.checkFormat(new ResponseFormat.JsonSchema(schema)))
        .doesNotThrowAnyException();
  }

  @Test
  void otherTypesAreRefusedByName() {
    assertThatThrownBy(() -> DdlSchema.jsonSchema("a STRUCT<b: MAP<STRING, INT>>"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("field a.b has the type MAP<STRING, INT>");
    assertThatThrownBy(() -> DdlSchema.jsonSchema("label STRNG"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("\"label STRNG\" is neither JSON Schema nor a list of columns");
  }
}
