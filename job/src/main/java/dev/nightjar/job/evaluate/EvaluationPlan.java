package dev.nightjar.job.evaluate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.depth.DepthSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The specs of an evaluation in the order they run: the dense one, those the user named, then
 * baselines as the search finds them. A baseline that coincides with a spec that is there is not
 * added again.
 */
final class EvaluationPlan {
  private final Map<String, PlannedSpec> specs = new LinkedHashMap<>();

  private EvaluationPlan() {}

  /**
   * A plan of the dense spec and those given.
   *
   * @throws EngineException that lists every spec that cannot be parsed
   */
  static EvaluationPlan of(List<String> texts) {
    EvaluationPlan plan = new EvaluationPlan();
    plan.specs.put(PlannedSpec.DENSE, new PlannedSpec(PlannedSpec.DENSE, List.of(), false));
    List<String> problems = new ArrayList<>();
    for (String text : texts) {
      try {
        String canonical = DepthSpec.parse(text).toString();
        plan.specs.put(canonical, new PlannedSpec(canonical, List.of(), true));
      } catch (EngineException e) {
        problems.add(e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new EngineException(ErrorCode.INVALID_DEPTH, String.join("\n", problems));
    }
    return plan;
  }

  /** All specs. */
  List<PlannedSpec> specs() {
    return List.copyOf(specs.values());
  }

  /** The specs that baselines are searched for: those that choose layers in a way of their own. */
  List<PlannedSpec> matched() {
    return specs.values().stream()
        .filter(spec ->
            switch (spec.family()) {
              case ADAPTIVE, STATIC -> true;
              case DENSE, UNIFIED, RANDOM -> false;
            })
        .toList();
  }

  /** Notes that {@code text} runs as many operations as {@code spec}, and adds it if it is new. */
  void addBaseline(String text, String spec) {
    String canonical = DepthSpec.parse(text).toString();
    PlannedSpec known = specs.get(canonical);
    List<String> of = new ArrayList<>(known == null ? List.of() : known.baselineOf());
    of.add(spec);
    specs.put(canonical, new PlannedSpec(canonical, of, known != null && known.asked()));
  }
}
