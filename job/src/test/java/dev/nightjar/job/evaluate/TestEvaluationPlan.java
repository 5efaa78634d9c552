package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.job.evaluate.PlannedSpec.Family;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestEvaluationPlan {
  private static final int LAYERS = 12;

  @Test
  void denseComesFirstAndSpecsOnce() {
    EvaluationPlan plan =
        EvaluationPlan.of(
            List.of(
                "unified:keep=0.5",
                "full",
                "exit:threshold=0.9,layers=4",
                "exit:layers=4,threshold=0.9",
                "static:keep=0+1"));
    assertThat(plan.specs())
        .extracting(PlannedSpec::text)
        .containsExactly(
            "full", "unified:keep=0.5", "exit:layers=4,threshold=0.9", "static:keep=0+1");
    assertThat(plan.specs())
        .extracting(PlannedSpec::family)
        .containsExactly(Family.DENSE, Family.UNIFIED, Family.ADAPTIVE, Family.STATIC);
    assertThat(plan.matched())
        .extracting(PlannedSpec::text)
        .containsExactly("exit:layers=4,threshold=0.9", "static:keep=0+1");
  }

  @Test
  void baselinesThatCoincideAreOne() {
    EvaluationPlan plan =
        EvaluationPlan.of(List.of("exit:threshold=0.9", "exit:threshold=0.8", "random:keep=0.5"));
    plan.addBaseline("unified:keep=0.75", "exit:threshold=0.9");
    plan.addBaseline("unified:keep=0.75", "exit:threshold=0.8");
    plan.addBaseline("random:keep=0.5", "exit:threshold=0.8");
    assertThat(plan.specs()).hasSize(5);
    assertThat(plan.specs().get(3))
        .isEqualTo(new PlannedSpec("random:keep=0.5", List.of("exit:threshold=0.8"), true));
    assertThat(plan.specs().get(4))
        .isEqualTo(
            new PlannedSpec(
                "unified:keep=0.75", List.of("exit:threshold=0.9", "exit:threshold=0.8"), false));
  }

  @Test
  void everyBadSpecIsTold() {
    assertThatThrownBy(() -> EvaluationPlan.of(List.of("nothing", "exit:keep=1", "full")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("\"nothing\" is unknown")
        .hasMessageContaining("\"keep=1\"; expected key=value");
  }

  @Test
  void foldersAreShownByTheirLastName() {
    assertThat(new PlannedSpec("static:artefact=/a/b/c,prompt=full", List.of(), true).shortText())
        .isEqualTo("static:artefact=c,prompt=full");
    assertThat(new PlannedSpec("exit:layers=4+6", List.of(), true).shortText())
        .isEqualTo("exit:layers=4+6");
  }

  @Test
  void unifiedHasTheNumberOfLayersNearestInOperations() {
    List<String> runs = new ArrayList<>();
    BaselineSearch search = search(runs, 0.2);
    assertThat(search.unified(ratio(0.2, 7.0 / LAYERS))).contains("unified:keep=0.5833");
    assertThat(runs).hasSizeLessThanOrEqualTo(2).contains("unified:keep=0.5833");
    runs.clear();
    assertThat(search.unified(0.201)).contains("unified:keep=0.1667");
    assertThat(search.unified(0.99)).isEmpty();
    assertThat(search.unified(1.02)).isEmpty();
  }

  @Test
  void randomIsCorrectedOnceByItsMeasurement() {
    List<String> runs = new ArrayList<>();
    BaselineSearch search = search(runs, 0.25);
    assertThat(search.random(ratio(0.25, 0.47))).contains("random:keep=0.47");
    assertThat(runs).containsExactly("random:keep=0.6", "random:keep=0.47");
    runs.clear();
    assertThat(search(runs, 0).random(0.5)).contains("random:keep=0.5");
    assertThat(runs).containsExactly("random:keep=0.5");
    assertThat(search.random(0.9999)).isEmpty();
    assertThat(search.random(0.01)).contains("random:keep=0.17");
  }

  @Test
  void aPolicyThatSavesNothingDoesNotMisleadTheSearch() {
    BaselineSearch search = new BaselineSearch(LAYERS, spec -> 1);
    assertThat(search.unified(0.5)).contains("unified:keep=0.5");
    assertThat(search.random(0.5)).contains("random:keep=0.5");
    assertThat(new BaselineSearch(2, spec -> 1).unified(0.5)).isEmpty();
  }

  /** Operations of a model whose head has a share of them that no depth saves. */
  private static BaselineSearch search(List<String> runs, double head) {
    return new BaselineSearch(
        LAYERS,
        spec -> {
          runs.add(spec);
          double keep = Double.parseDouble(spec.substring(spec.indexOf('=') + 1));
          double kept = spec.startsWith("unified") ? Math.round(keep * LAYERS) / 12.0 : keep;
          return ratio(head, kept);
        });
  }

  private static double ratio(double head, double keep) {
    return head + (1 - head) * keep;
  }
}
