package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TestNearestName {
  private static final List<String> NAMES = List.of("subject", "body", "sender");

  @Test
  void aSlipIsFound() {
    assertThat(NearestName.of("Subjct", NAMES)).contains("subject");
    assertThat(NearestName.hint("bdoy", NAMES)).isEqualTo("; did you mean 'body'?");
  }

  @Test
  void somethingElseIsNot() {
    assertThat(NearestName.of("attachment", NAMES)).isEmpty();
    assertThat(NearestName.hint("x", List.of())).isEmpty();
  }
}
