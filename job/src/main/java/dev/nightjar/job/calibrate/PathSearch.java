package dev.nightjar.job.calibrate;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds for each row a short layer path that keeps its answer. In place of the paper's Monte Carlo
 * tree search per row, all rows share a search by levels: first each layer is skipped alone and,
 * with gold values, repeated alone; then sets of skips whose parts all worked for a row are joined,
 * and those wanted by most rows are run on the rows that want them.
 */
final class PathSearch {
  private static final int PATHS_PER_LEVEL = 24;

  private final Calibration calibration;
  private final int layers;
  private final List<DenseRow> rows;
  private final List<Set<LayerPath>> worked = new ArrayList<>();
  private final List<LayerPath> best = new ArrayList<>();
  private final double[] bestScore;

  PathSearch(Calibration calibration, List<DenseRow> rows) {
    this.calibration = calibration;
    this.layers = calibration.model().layers();
    this.rows = rows;
    this.bestScore = new double[rows.size()];
    for (int row = 0; row < rows.size(); row++) {
      worked.add(new HashSet<>());
      best.add(LayerPath.full(layers));
      bestScore[row] = score(rows.get(row), rows.get(row).text());
    }
  }

  private double score(DenseRow row, String text) {
    return calibration.options().gold()
        ? calibration.score().score(row, text)
        : row.text().equals(text) ? 1 : 0;
  }

  /** The best path of each row: the highest score, then the shortest. */
  List<LayerPath> run() {
    LayerPath full = LayerPath.full(layers);
    List<Integer> everyRow = new ArrayList<>();
    for (int row = 0; row < rows.size(); row++) {
      everyRow.add(row);
    }
    for (int layer = 0; layer < layers; layer++) {
      tryOn(full.with(layer, 0), everyRow);
      if (calibration.options().gold()) {
        tryOn(full.with(layer, 2), everyRow);
      }
    }
    int levels = Math.max(2, layers / 4);
    for (int level = 2; level <= levels; level++) {
      wanted(layers - level + 1).forEach(this::tryOn);
    }
    return best;
  }

  /** Paths with one more skip, with the rows for which the path and the skip worked alone. */
  private Map<LayerPath, List<Integer>> wanted(int length) {
    LayerPath full = LayerPath.full(layers);
    Map<LayerPath, List<Integer>> all = new TreeMap<>();
    for (int row = 0; row < rows.size(); row++) {
      Set<LayerPath> next = new HashSet<>();
      for (LayerPath path : worked.get(row)) {
        for (int layer = 0; layer < layers && path.length() == length; layer++) {
          if (path.times()[layer] == 1 && worked.get(row).contains(full.with(layer, 0))) {
            next.add(path.with(layer, 0));
          }
        }
      }
      for (LayerPath path : next) {
        all.computeIfAbsent(path, key -> new ArrayList<>()).add(row);
      }
    }
    List<Map.Entry<LayerPath, List<Integer>>> entries = new ArrayList<>(all.entrySet());
    entries.sort((a, b) -> Integer.compare(b.getValue().size(), a.getValue().size()));
    Map<LayerPath, List<Integer>> kept = new TreeMap<>();
    for (Map.Entry<LayerPath, List<Integer>> entry :
        entries.subList(0, Math.min(PATHS_PER_LEVEL, entries.size()))) {
      kept.put(entry.getKey(), entry.getValue());
    }
    return kept;
  }

  private void tryOn(LayerPath path, List<Integer> indexes) {
    List<DenseRow> some = indexes.stream().map(rows::get).toList();
    List<Answer> answers = calibration.answers(path.spec(), some);
    for (int i = 0; i < some.size(); i++) {
      int row = indexes.get(i);
      double score = score(some.get(i), answers.get(i).text());
      double dense = score(some.get(i), some.get(i).text());
      if (path.length() < layers && score >= dense) {
        worked.get(row).add(path);
      }
      boolean better =
          score > bestScore[row] || score == bestScore[row] && path.compareTo(best.get(row)) < 0;
      if (better) {
        best.set(row, path);
        bestScore[row] = score;
      }
    }
  }
}
