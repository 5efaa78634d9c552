package dev.nightjar.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ResponseFormat;
import java.time.YearMonth;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written under a schema, however senseless the choice, parses and fits. */
class TestJsonSchemas {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final ObjectMapper LENIENT =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private static JsonSchema validator(JsonNode schema) {
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema, config);
  }

  private static ResponseFormat format(JsonNode schema) {
    return new ResponseFormat.JsonSchema(schema.toString());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyTextParsesAndFitsWithAnyLimit(boolean stripsAtStart) throws JsonProcessingException {
    ListedTokens tokenizer = ListedTokens.random(2, stripsAtStart);
    Constraints constraints = new Constraints(tokenizer, List.of(tokenizer.end()));
    Random random = new Random(stripsAtStart ? 7 : 8);
    RandomSchema schemas = new RandomSchema(random);
    RandomWriter writer = new RandomWriter(tokenizer, random);
    for (int i = 0; i < 120; i++) {
      JsonNode schema = schemas.next(3);
      JsonSchema validator = validator(schema);
      Constraint constraint = constraints.of(format(schema));
      for (int j = 0; j < 12; j++) {
        int limit = constraint.minTokens() + (j < 6 ? j : random.nextInt(200));
        String text = writer.write(constraint, limit);
        assertThat(writer.tokens).isLessThanOrEqualTo(limit);
        JsonNode document = MAPPER.readTree(text);
        assertThat(validator.validate(document)).as("%s for %s", text, schema).isEmpty();
        assertThat(constraint.newText().fits(text)).isTrue();
      }
    }
  }

  @Test
  void anyObjectParses() throws JsonProcessingException {
    ListedTokens tokenizer = ListedTokens.random(3, true);
    Constraints constraints = new Constraints(tokenizer, List.of(tokenizer.end()));
    Constraint constraint = constraints.of(new ResponseFormat.JsonObject());
    assertThat(constraint.minTokens()).isEqualTo(2);
    RandomWriter writer = new RandomWriter(tokenizer, new Random(9));
    for (int i = 0; i < 300; i++) {
      assertThat(LENIENT.readTree(writer.write(constraint, 2 + i)).isObject()).isTrue();
    }
    assertThat(constraint.newText().fits("{\"a\":{\"b\":[1,{\"c\":2}]}}")).isTrue();
    assertThat(constraint.newText().fits("{\"a\": 1}")).isFalse();
  }

  @Test
  void oneTokenLessThanTheLeastIsTooFew() {
    ListedTokens tokenizer = ListedTokens.random(4, false);
    Constraints constraints = new Constraints(tokenizer, List.of(tokenizer.end()));
    Constraint constraint =
        constraints.of(new ResponseFormat.Choice(List.of("zzzz", "qqqqq", "vvvvvvvvv")));
    assertThat(constraint.minTokens()).isEqualTo(4);
    RandomWriter writer = new RandomWriter(tokenizer, new Random(1));
    assertThat(writer.write(constraint, 4)).isEqualTo("zzzz");
    assertThat(constraint.newText().next(3)).isNull();
  }

  @Test
  void referencesAndEscapesAreRead() {
    ResponseFormat format =
        new ResponseFormat.JsonSchema(
            """
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mail",
             "type": "object", "required": ["from", "n", "p"],
             "properties": {"from": {"$ref": "#/$defs/who"}, "to": {"$ref": "#/$defs/who"},
               "n": {"type": "integer", "minimum": 1, "exclusiveMaximum": 12},
               "p": {"type": "number", "minimum": 0, "maximum": 1}},
             "$defs": {"who": {"type": ["string", "null"], "maxLength": 8}}}
            """);
    ListedTokens tokenizer = ListedTokens.random(4, false);
    ConstrainedText text =
        new Constraints(tokenizer, List.of(tokenizer.end())).of(format).newText();
    assertThat(text.fits("{\"from\":\"\\ud83d\\ude00\\n\\\"\",\"n\":11,\"p\":0.5}")).isTrue();
    assertThat(text.fits("{\"from\":null,\"to\":\"12345678\",\"n\":1,\"p\":1}")).isTrue();
    assertThat(text.fits("{\"from\":\"123456789\",\"n\":1,\"p\":1}")).isFalse();
    assertThat(text.fits("{\"from\":null,\"n\":12,\"p\":1}")).isFalse();
    assertThat(text.fits("{\"from\":null,\"n\":1,\"p\":1.01}")).isFalse();
    assertThat(text.fits("{\"from\":\"\\ud83d\",\"n\":1,\"p\":1}")).isFalse();
    assertThat(text.fits("{\"n\":1,\"p\":1}")).isFalse();
  }

  @Test
  void datesFollowTheCalendar() {
    ByteAutomaton dates = ByteAutomaton.of(Formats.of("date"));
    for (int year : new int[] {1, 4, 100, 1900, 2000, 2023, 2024, 9999}) {
      for (int month = 0; month <= 13; month++) {
        for (int day = 0; day <= 32; day++) {
          boolean exists =
              month >= 1
                  && month <= 12
                  && day >= 1
                  && day <= YearMonth.of(year, month).lengthOfMonth();
          int end = dates.next(0, "%04d-%02d-%02d".formatted(year, month, day).getBytes());
          assertThat(end != ByteAutomaton.DEAD && dates.accepting(end)).isEqualTo(exists);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      value = {
        "{\"type\":\"string\",\"contentEncoding\":\"base64\"} @contentEncoding, which is not supp",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"not\":{}}}} @at /properties/a has the keyw",
        "{\"type\":\"array\",\"uniqueItems\":true} @/uniqueItems is not supported",
        "{\"type\":\"integer\",\"multipleOf\":5} @multipleOf, which is not supported",
        "{\"type\":\"integer\",\"minLength\":5} @minLength, which cannot stand here",
        "{\"allOf\":[{}]} @allOf, which is not supported",
        "{\"type\":\"strin\"} @type strin, expected one of",
        "{\"$ref\":\"#\"} @recursive",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"items\":{\"$ref\":\"#/$defs/a\"}}}}"
            + " @recursive",
        "{\"$ref\":\"http://example.com/a\"} @not in the schema",
        "{\"type\":\"object\",\"required\":[\"a\"]} @requires [a], which its properties do not",
        "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]} @alternatives 0 and 1 that",
        "{\"type\":\"string\",\"format\":\"hostname\"} @hostname, which is not supported;"
            + " supported",
        "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2} @maxLength 2 below minLength 3",
        "{\"type\":\"string\",\"maxLength\":100000} @expected at most 10000",
        "{\"maxItems\":10000,\"items\":{\"maxLength\":10000}} @too large",
        "{\"type\":\"string\",\"pattern\":\"(?=a)\"} @look-around",
        "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2} @no text fits",
        "{\"enum\":[]} @no list of values",
        "{\"type\":\"string\",\"enum\":[1]} @lists no value of its type",
        "[1] @is ARRAY, expected an object",
        "{\"type\": @not JSON",
      })
  void refusesByName(String schema, String reason) {
    assertThatThrownBy(() -> Constraints.check(new ResponseFormat.JsonSchema(schema)))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void deepSchemasAreRefused() {
    String deep = "{\"items\":".repeat(200) + "true" + "}".repeat(200);
    assertThatThrownBy(() -> Constraints.check(new ResponseFormat.JsonSchema(deep)))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("nested deeper");
  }
}
