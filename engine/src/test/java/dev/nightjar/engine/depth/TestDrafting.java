package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.kernel.Kernels;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestDrafting {
  private static final Depth.ModelFacts FACTS =
      new Depth.ModelFacts(12, 64, new int[] {64, 32}, Path.of("no", "such"), () -> "00");

  private static Drafting drafting(String spec) {
    return Depth.of(DepthSpec.parse(spec), FACTS, Kernels.best(), Arena.ofAuto())
        .policy()
        .drafting();
  }

  private static DraftPlan plan(String spec) {
    return drafting(spec).drafter(row(1)).plan();
  }

  private static RowContext row(long hash) {
    return new RowContext(hash, 10, 20);
  }

  private static BitSet without(DraftPlan plan, byte sublayer) {
    BitSet out = new BitSet();
    for (int layer = 0; layer < 12; layer++) {
      out.set(layer, (plan.cells(layer) & sublayer) == 0);
    }
    return out;
  }

  @Test
  void firstLayersDraftAndAreNotRunAgain() {
    DraftPlan plan = plan("layerskip:exit=4,length=5");
    assertThat(plan.shared()).isEqualTo(4);
    assertThat(without(plan, Cells.ATTENTION).toString()).isEqualTo("{4, 5, 6, 7, 8, 9, 10, 11}");
    assertThat(without(plan, Cells.FEED_FORWARD)).isEqualTo(without(plan, Cells.ATTENTION));
    assertThat(drafting("layerskip:exit=4,length=5").maxLength()).isEqualTo(5);
    assertThat(drafting("layerskip").maxRows()).isEqualTo(2);
  }

  /** 12 layers: the odd inner layers; 0.45 of the 20 inner sublayers are 9. */
  @ParameterizedTest
  @CsvSource({
    "swift, '{1, 3, 5, 7, 9}', '{1, 3, 5, 7, 9}', 1",
    "swift:skip=0.45, '{3, 5, 7, 9}', '{1, 3, 5, 7, 9}', 1",
    "swift:skip=0.1, '{9}', '{9}', 9",
    "swift:skip=0.7, '{1, 3, 5, 7, 8, 9, 10}', '{1, 3, 5, 7, 8, 9, 10}', 1",
    "swift:skip=0, '{}', '{}', 12",
    "swift:attention=4+6, '{4, 6}', '{}', 4",
    "swift:feed-forward=10, '{}', '{10}', 10"
  })
  void sublayersOfTheMiddleAreSkipped(
      String spec, String attention, String feedForward, int shared) {
    DraftPlan plan = plan(spec);
    assertThat(without(plan, Cells.ATTENTION).toString()).isEqualTo(attention);
    assertThat(without(plan, Cells.FEED_FORWARD).toString()).isEqualTo(feedForward);
    assertThat(plan.shared()).isEqualTo(shared);
  }

  @Test
  void searchedSetComesFromAnArtefact(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("depth.json");
    String json =
        "{\"version\":1,\"policy\":\"swift\",\"num_layers\":12,\"hidden_size\":64,"
            + "\"model_sha256\":\"00\",\"attention_skipped\":[2,5],\"feed_forward_skipped\":[%s]}";
    Files.writeString(file, json.formatted("7"));
    DraftPlan plan = plan("swift:artefact=" + folder);
    assertThat(without(plan, Cells.ATTENTION).toString()).isEqualTo("{2, 5}");
    assertThat(without(plan, Cells.FEED_FORWARD).toString()).isEqualTo("{7}");
    for (String bad : new String[] {"11", "0", "-1", "1.5", "\"3\""}) {
      Files.writeString(file, json.formatted(bad));
      assertThatThrownBy(() -> plan("swift:artefact=" + folder))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("feed_forward_skipped")
          .hasMessageContaining("[1, 10]");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "layerskip:exit=12, exit",
    "layerskip:exit=0, exit",
    "layerskip:length=0, length",
    "layerskip:confidence=2, confidence",
    "layerskip:max-rows=0, max-rows",
    "layerskip:skip=1, skip",
    "swift:attention=0, attention",
    "swift:feed-forward=11, feed-forward",
    "swift:skip=1.5, skip",
    "swift:artefact=none, depth.json",
    "del:exits=0+3, exits",
    "del:exits=12, exits",
    "del:decay=2, decay",
    "del:row-cost=2, row-cost",
    "eesd:right=0, right",
    "layerskip+unified, alone",
    "full+swift, alone"
  })
  void mistakesAreNamed(String spec, String expected) {
    assertThatThrownBy(() -> drafting(spec))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void exitAndLengthMaximiseThePublishedTokensPerLayer() {
    ExitDrafting del = (ExitDrafting) drafting("del:exits=3+6,length=4,head-cost=0,row-cost=0");
    assertThat(del.cost(3, 4)).isEqualTo(4 * 3 + 12);
    assertThat(ExitDrafting.tokens(0.5, 2)).isEqualTo(1.75);
    assertThat(ExitDrafting.tokens(1, 3)).isEqualTo(4);
    ExitDrafting.Row row = del.new Row();
    assertThat(row.rate(0)).isEqualTo(0.25);
    row.plan();
    row.shadowed(0, 8, 10);
    row.shadowed(1, 9, 10);
    double low = (8 + 0.5) / 12;
    double high = (9 + 1.0) / 12;
    assertThat(row.rate(0)).isCloseTo(low, Offset.offset(1e-12));
    assertThat(row.rate(1)).isCloseTo(high, Offset.offset(1e-12));
    row.plan();
    assertThat(row.choice()).isEqualTo(new ExitDrafting.Choice(0, 2));
    assertThat(row.watched()).isEmpty();
    row.verified(2, 0);
    assertThat(row.rate(0)).isCloseTo((0.9 * 8 + 0.5) / (0.9 * 10 + 1 + 2), Offset.offset(1e-12));
  }

  @Test
  void roundWithoutDraftsIsChosenWhereDraftsCostMoreThanTheyBring() {
    Drafter row = drafting("del:row-cost=1,head-cost=1,every=2").drafter(row(1));
    assertThat(row.plan()).isNull();
    assertThat(row.watched()).containsExactly(2, 4, 6, 8, 10);
    assertThat(row.plan()).isNull();
    assertThat(row.watched()).isEmpty();
  }

  @Test
  void banditDraftsLongerForRowsWhoseDraftsAreRight() {
    Drafting eesd = drafting("eesd:exit=4");
    double[] went = new double[2];
    for (int kind = 0; kind < 2; kind++) {
      Drafter row = eesd.drafter(row(7));
      for (int round = 0; round < 50; round++) {
        row.verified(kind == 0 ? 9 : 1, kind == 0 ? 9 : 0);
      }
      for (int i = 0; i < 1000; i++) {
        went[kind] += row.goesOn() ? 0.001 : 0;
      }
    }
    assertThat(went[0]).isGreaterThan(0.97);
    assertThat(went[1]).isLessThan(0.05);
  }

  /** Beta(1, 1) is uniform: the chance to go on is one half. */
  @Test
  void banditStartsUndecidedAndIsTheSameForTheSameRow() {
    Drafting eesd = drafting("eesd:exit=4");
    int went = 0;
    Drafter one = eesd.drafter(row(7));
    Drafter same = eesd.drafter(row(7));
    Drafter other = eesd.drafter(row(8));
    int differs = 0;
    for (int i = 0; i < 4000; i++) {
      boolean goes = one.goesOn();
      went += goes ? 1 : 0;
      assertThat(same.goesOn()).isEqualTo(goes);
      differs += other.goesOn() == goes ? 0 : 1;
    }
    assertThat(went / 4000.0).isCloseTo(0.5, Offset.offset(0.04));
    assertThat(differs).isPositive();
  }
}
