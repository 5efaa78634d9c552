package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.udfs.PromptTemplate.Column;
import dev.nightjar.udfs.PromptTemplate.Literal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestPromptTemplate {
  @Test
  void placeholdersAreColumns() {
    assertThat(PromptTemplate.parse("Classify: {{ subject }}\n{{a.b}}!").parts())
        .containsExactly(
            new Literal("Classify: "),
            new Column("subject"),
            new Literal("\n"),
            new Column("a.b"),
            new Literal("!"));
  }

  @Test
  void fourBracesAreTwo() {
    assertThat(PromptTemplate.parse("{{{{x}} {{y}} } {").parts())
        .containsExactly(new Literal("{{x}} "), new Column("y"), new Literal(" } {"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{{a", "{{}}", "{{ }}", "{{a {b}}"})
  void brokenPlaceholderIsNamed(String template) {
    assertThatThrownBy(() -> PromptTemplate.parse("ab" + template))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("'{{' at character 2")
        .hasMessageContaining("expected {{column}}");
  }

  @Test
  void templateWithoutColumnIsAnError() {
    assertThatThrownBy(() -> PromptTemplate.parse("{{{{a}}"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("no {{column}} in it");
  }
}
