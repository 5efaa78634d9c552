package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestProgressReporter {
  @Test
  void lineTellsSpeedDepthAndTimeLeft() {
    ProgressTracker.Snapshot now =
        new ProgressTracker.Snapshot(250, 3, 40_000, 10_000, 300_000, 50_000);
    assertThat(ProgressReporter.line(now, 1_000, 10))
        .isEqualTo(
            "250/1,000 rows (25 %)  25.0 rows/s  5,000 tokens/s  6.00 layers/token  3 errors  ETA"
                + " 30s");
  }

  @Test
  void nothingIsDividedByZero() {
    ProgressTracker.Snapshot none = new ProgressTracker.Snapshot(0, 0, 0, 0, 0, 0);
    assertThat(ProgressReporter.line(none, 0, 1)).contains("0/0 rows (100 %)").endsWith("ETA -");
  }

  @Test
  void durationsAreShort() {
    assertThat(ProgressReporter.duration(59.4)).isEqualTo("59s");
    assertThat(ProgressReporter.duration(200)).isEqualTo("3m20s");
    assertThat(ProgressReporter.duration(3_900)).isEqualTo("1h05m");
  }
}
