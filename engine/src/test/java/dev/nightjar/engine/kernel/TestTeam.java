package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threads that help with a piece of work. */
class TestTeam {
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void everyShareIsDoneOnceEachTime(int size) {
    try (Team team = new Team(size)) {
      AtomicIntegerArray done = new AtomicIntegerArray(size);
      for (int i = 1; i <= 5000; i++) {
        assertThat(team.run((share, shares) -> done.addAndGet(share, shares))).isTrue();
        for (int share = 0; share < size; share++) {
          assertThat(done.get(share)).isEqualTo(i * size);
        }
      }
    }
  }

  @Test
  void plainWritesOfHelpersAreSeen() {
    try (Team team = new Team(3)) {
      int[] values = new int[3];
      for (int i = 0; i < 5000; i++) {
        team.run((share, shares) -> values[share]++);
        assertThat(values).containsOnly(i + 1);
      }
    }
  }

  @Test
  void teamThatIsTakenIsNotAvailable() throws InterruptedException {
    try (Team team = new Team(2)) {
      CountDownLatch taken = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      Thread other =
          new Thread(() ->
              team.run((share, shares) -> {
                if (share == 0) {
                  taken.countDown();
                  await(release);
                }
              }));
      other.start();
      taken.await();
      AtomicInteger runs = new AtomicInteger();
      assertThat(team.run((share, shares) -> runs.incrementAndGet())).isFalse();
      assertThat(runs).hasValue(0);
      release.countDown();
      other.join();
      assertThat(team.run((share, shares) -> runs.incrementAndGet())).isTrue();
      assertThat(runs).hasValue(2);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void faultOfAShareIsTheCallersAndTheTeamGoesOn(int faulty) {
    try (Team team = new Team(2)) {
      assertThatThrownBy(() ->
              team.run((share, shares) -> {
                if (share == faulty) {
                  throw new IllegalStateException("share " + share);
                }
              }))
          .hasMessage("share " + faulty);
      AtomicInteger runs = new AtomicInteger();
      assertThat(team.run((share, shares) -> runs.incrementAndGet())).isTrue();
      assertThat(runs).hasValue(2);
    }
  }

  @Test
  void closedTeamIsNotAvailable() {
    Team team = new Team(2);
    assertThat(team.run((share, shares) -> {})).isTrue();
    team.close();
    assertThat(team.run((share, shares) -> {})).isFalse();
  }
}
