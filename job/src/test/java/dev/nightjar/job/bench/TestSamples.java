package dev.nightjar.job.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestSamples {
  @Test
  void mediansOfOddAndEvenCounts() {
    assertThat(new Samples(new double[] {3, 1, 2}).median()).isEqualTo(2);
    assertThat(new Samples(new double[] {4, 1, 2, 3}).median()).isEqualTo(2.5);
  }

  @Test
  void ratiosAreRoundByRound() {
    Samples ratio = new Samples(new double[] {2, 9}).over(new Samples(new double[] {1, 3}));
    assertThat(ratio.values()).containsExactly(2, 3);
    assertThat(ratio.times(2).text(1)).isEqualTo("5.0 (4.0-6.0)");
  }

  @Test
  void jsonHasFiveDigits() {
    ObjectNode node = JsonMapper.builder().build().createObjectNode();
    new Samples(new double[] {1234.5678, 1 / 3.0, 0}).put(node, "x");
    assertThat(node.toString())
        .isEqualTo("{\"x\":{\"median\":0.33333,\"min\":0.0,\"max\":1234.6}}");
  }

  @Test
  void turnsRunEverythingOncePerRoundAndEachFirstInTurn() {
    List<String> order = new ArrayList<>();
    List<List<Integer>> results =
        Turns.take(
            Turns.trials(
                List.of("a", "b"),
                name -> {
                  order.add(name);
                  return order.size();
                }),
            2,
            0);
    assertThat(order).containsExactly("a", "b", "b", "a", "a", "b");
    assertThat(results).isEqualTo(List.of(List.of(4, 5), List.of(3, 6)));
  }
}
