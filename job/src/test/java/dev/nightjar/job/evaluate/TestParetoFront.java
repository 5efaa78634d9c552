package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.job.evaluate.ParetoFront.Point;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestParetoFront {
  @Test
  void frontHoldsWhatNoPointBeats() {
    List<Point> points =
        List.of(
            new Point("dense", 1, 0.90),
            new Point("better", 0.6, 0.91),
            new Point("cheap", 0.3, 0.5),
            new Point("as dear as cheap", 0.3, 0.4),
            new Point("no better than cheap", 0.5, 0.5),
            new Point("between", 0.5, 0.7));
    assertThat(ParetoFront.of(points))
        .extracting(Point::name)
        .containsExactly("cheap", "between", "better");
    List<Point> reversed = new ArrayList<>(points);
    Collections.reverse(reversed);
    assertThat(ParetoFront.of(reversed)).isEqualTo(ParetoFront.of(points));
  }

  @Test
  void onePointIsItsOwnFront() {
    List<Point> one = List.of(new Point("dense", 1, 0));
    assertThat(ParetoFront.of(one)).isEqualTo(one);
    assertThat(ParetoFront.of(List.of())).isEmpty();
  }
}
