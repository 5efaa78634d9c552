package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestExcerpt {
  @Test
  void ordinaryTextIsUnchanged() {
    assertThat(Excerpt.of("blk.0.attn_q.weight é ▁")).isEqualTo("blk.0.attn_q.weight é ▁");
  }

  @Test
  void controlAndFormatCharactersAreEscaped() {
    assertThat(Excerpt.of("a\u001b[2J\n\u202eb")).isEqualTo("a\\u001b[2J\\u000a\\u202eb");
  }

  @Test
  void longTextIsShortened() {
    assertThat(Excerpt.of("x".repeat(100_000))).isEqualTo("x".repeat(100) + "...");
  }
}
