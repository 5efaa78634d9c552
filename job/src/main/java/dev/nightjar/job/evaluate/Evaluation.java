package dev.nightjar.job.evaluate;

import java.util.List;
import java.util.Map;

/**
 * A finished evaluation.
 *
 * @param facts what determines the results, by name
 * @param specs dense first, then as planned
 * @param pairsRun (spec, shard) pairs that this call ran, scores of gold texts included
 * @param pairsReused those that were there
 */
record Evaluation(
    EvaluationOptions options,
    long seed,
    SpecProbe.Model model,
    Map<String, String> facts,
    long numRows,
    int numShards,
    List<SpecResult> specs,
    int pairsRun,
    int pairsReused,
    double elapsedSeconds) {
  Evaluation {
    facts = Map.copyOf(facts);
    specs = List.copyOf(specs);
  }

  /** The specs that none beats in both operations and the metric. */
  List<ParetoFront.Point> front() {
    return ParetoFront.of(
        specs.stream()
            .map(spec ->
                new ParetoFront.Point(
                    spec.spec().text(),
                    spec.compute().flopsRatio(),
                    spec.metric(options.metric()).value().estimate()))
            .toList());
  }
}
