package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.TaskContext$;
import org.junit.jupiter.api.Test;

/** Rows that do not come back. */
class TestRowWatch {
  private final CountDownLatch ended = new CountDownLatch(1);

  private boolean awaitEnd(long millis) {
    try {
      return ended.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aTaskThatIsStuckInARowIsEnded() {
    RowWatch watch =
        RowWatch.of(TaskContext$.MODULE$.empty(), Duration.ofMillis(1), ended::countDown);
    assertThat(watch.over(() -> awaitEnd(60_000))).isTrue();
  }

  @Test
  void rowsThatComeBackAreLeftAlone() {
    Duration limit = Duration.ofMillis(20);
    RowWatch watch = RowWatch.of(TaskContext$.MODULE$.empty(), limit, ended::countDown);
    BooleanSupplier row = () -> awaitEnd(1);
    for (int i = 0; i < 300; i++) {
      assertThat(watch.over(row)).isFalse();
    }
    assertThat(awaitEnd(2 * RowWatch.PATIENCE * limit.toMillis())).isFalse();
  }

  @Test
  void withoutALimitNothingIsWatched() {
    RowWatch watch = RowWatch.of(TaskContext$.MODULE$.empty(), Duration.ZERO, ended::countDown);
    assertThat(watch.over(() -> awaitEnd(50))).isFalse();
  }
}
