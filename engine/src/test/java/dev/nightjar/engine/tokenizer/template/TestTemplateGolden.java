package dev.nightjar.engine.tokenizer.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Renders like Jinja 3.1.6 with the settings of Hugging Face's chat templates; golden.json holds
 * templates and what Jinja made of them: expressions, white space control and the templates of
 * well-known models.
 */
class TestTemplateGolden {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 4, 5, 6, 7);

  static Stream<Arguments> cases() throws IOException {
    JsonNode golden = golden();
    Map<String, Object> variables = new LinkedHashMap<>();
    golden
        .get("variables")
        .properties()
        .forEach(entry -> variables.put(entry.getKey(), JsonValues.of(entry.getValue())));
    List<Arguments> cases = new ArrayList<>();
    for (JsonNode node : golden.get("cases")) {
      cases.add(
          Arguments.of(
              node.get("name").asText(),
              node.get("template").asText(),
              variables,
              node.get("expected").asText()));
    }
    return cases.stream();
  }

  private static JsonNode golden() throws IOException {
    try (InputStream in = TestTemplateGolden.class.getResourceAsStream("golden.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void rendersAsJinja(
      String name, String template, Map<String, Object> variables, String expected) {
    String rendered =
        Template.parse(template).render(variables, TemplateOptions.DEFAULT.withNow(NOW));
    assertThat(rendered).as(name).isEqualTo(expected);
  }
}
