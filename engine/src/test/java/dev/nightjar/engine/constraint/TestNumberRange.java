package dev.nightjar.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestNumberRange {
  private static boolean accepts(ByteAutomaton automaton, String text) {
    int end = automaton.next(0, text.getBytes(StandardCharsets.UTF_8));
    return end != ByteAutomaton.DEAD && automaton.accepting(end);
  }

  private static boolean in(NumberRange range, BigDecimal value) {
    int low = range.min() == null ? 1 : value.compareTo(range.min());
    int high = range.max() == null ? -1 : value.compareTo(range.max());
    return (low > 0 || (low == 0 && range.minIncluded()))
        && (high < 0 || (high == 0 && range.maxIncluded()));
  }

  private static BigDecimal bound(Random random, int scale) {
    return switch (random.nextInt(5)) {
      case 0 -> null;
      case 1 -> BigDecimal.ZERO;
      default -> new BigDecimal(random.nextInt(-3000, 3000)).movePointLeft(random.nextInt(scale));
    };
  }

  @Test
  void integersAreThoseBetweenTheBounds() {
    Random random = new Random(3);
    for (int i = 0; i < 40; i++) {
      NumberRange range =
          new NumberRange(
              bound(random, 3), random.nextBoolean(), bound(random, 3), random.nextBoolean());
      ByteAutomaton automaton = ByteAutomaton.of(range.integers());
      for (int n = -3200; n <= 3200; n += random.nextInt(1, 4)) {
        assertThat(accepts(automaton, Integer.toString(n)))
            .as("%d in %s", n, range)
            .isEqualTo(in(range, BigDecimal.valueOf(n)));
      }
      assertThat(accepts(automaton, "-0")).isFalse();
      assertThat(accepts(automaton, "007")).isFalse();
    }
  }

  @Test
  void numbersAreThoseBetweenTheBounds() {
    Random random = new Random(4);
    int inside = 0;
    for (int i = 0; i < 60; i++) {
      NumberRange range =
          new NumberRange(
              bound(random, 4), random.nextBoolean(), bound(random, 4), random.nextBoolean());
      ByteAutomaton automaton = ByteAutomaton.of(range.numbers());
      for (int j = 0; j < 400; j++) {
        BigDecimal around = random.nextBoolean() ? range.min() : range.max();
        BigDecimal value =
            new BigDecimal(random.nextInt(-300, 300)).movePointLeft(random.nextInt(4));
        value = around == null || random.nextInt(4) == 0 ? value : value.add(around);
        if (value.signum() == 0) {
          value = BigDecimal.ZERO;
        }
        boolean expected = in(range, value);
        inside += expected ? 1 : 0;
        assertThat(accepts(automaton, value.toPlainString()))
            .as("%s in %s", value.toPlainString(), range)
            .isEqualTo(expected);
      }
    }
    assertThat(inside).isGreaterThan(1000);
  }
}
