package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Whether Learn-then-Test keeps its word on real answers: takes the rows of a {@code nightjar
 * evaluate} run over a corpus, deals them into disjoint splits by a hash of the row, lets each
 * split choose a setting as {@code nightjar calibrate} would, and measures the risk of that setting
 * on all other rows. Not a test: it needs an evaluation.
 *
 * <p>Arguments: the evaluation's folder, number of splits, tolerance, confidence. The settings are
 * the adaptive specs of the evaluation, tested in the order they were given.
 */
final class LearnThenTestStudy {
  private LearnThenTestStudy() {}

  /** One row under one setting. */
  private record Answered(String text, double flops) {}

  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    int splits = Integer.parseInt(args[1]);
    double tolerance = Double.parseDouble(args[2]);
    double confidence = Double.parseDouble(args[3]);
    JsonNode evaluation = new JsonMapper().readTree(folder.resolve("evaluation.json").toFile());
    List<String> specs = new ArrayList<>();
    List<Map<String, Answered>> answers = new ArrayList<>();
    Map<String, Answered> dense = null;
    SparkSession spark = SparkSession.builder().master("local[2]").getOrCreate();
    for (JsonNode spec : evaluation.path("specs")) {
      String depth = spec.path("depth").asText();
      Map<String, Answered> rows = read(spark, folder, spec.path("id").asText());
      if (depth.equals("full")) {
        dense = rows;
      } else if (spec.path("asked").asBoolean()) {
        specs.add(depth);
        answers.add(rows);
      }
    }
    spark.stop();
    report(specs, answers, dense, splits, tolerance, confidence);
  }

  private static Map<String, Answered> read(SparkSession spark, Path folder, String id) {
    String path = folder.resolve("results").resolve("spec=" + id).toString();
    Map<String, Answered> rows = new HashMap<>();
    for (Row row :
        spark
            .read()
            .parquet(path)
            .selectExpr("custom_id", "text", "compute.flops")
            .collectAsList()) {
      rows.put(row.getString(0), new Answered(row.getString(1), row.getDouble(2)));
    }
    return rows;
  }

  private static void report(
      List<String> specs,
      List<Map<String, Answered>> answers,
      Map<String, Answered> dense,
      int splits,
      double tolerance,
      double confidence) {
    List<String> keys = new ArrayList<>(dense.keySet());
    keys.sort(Comparator.comparing(key -> CorpusSample.hash("study", key)));
    int size = keys.size() / splits;
    int violations = 0;
    int chosenNothing = 0;
    System.out.println("| split | chosen | risk on the split | risk on the other rows | saved |");
    System.out.println("|---|---|---|---|---|");
    for (int split = 0; split < splits; split++) {
      List<String> rows = keys.subList(split * size, (split + 1) * size);
      FixedSequence sequence =
          FixedSequence.test(
              specs.size(), i -> trial(answers.get(i), dense, rows), tolerance, confidence);
      FixedSequence.Tested chosen = sequence.cheapest();
      if (chosen == null) {
        chosenNothing++;
        System.out.printf("| %d | none | | | |%n", split);
        continue;
      }
      List<String> others = new ArrayList<>(keys);
      others.subList(split * size, (split + 1) * size).clear();
      Trial elsewhere = trial(answers.get(chosen.index()), dense, others);
      violations += elsewhere.risk() > tolerance ? 1 : 0;
      System.out.printf(
          "| %d | `%s` | %.4f | %.4f | %.1f %% |%n",
          split,
          specs.get(chosen.index()),
          chosen.trial().risk(),
          elsewhere.risk(),
          100 * elsewhere.computeSaved());
    }
    System.out.printf(
        "%d splits of %d rows, tolerance %.3f, confidence %.2f: %d violations (%.1f %%), allowed"
            + " %.1f %%; %d splits chose nothing%n",
        splits,
        size,
        tolerance,
        confidence,
        violations,
        100.0 * violations / splits,
        100 * (1 - confidence),
        chosenNothing);
  }

  private static Trial trial(
      Map<String, Answered> answers, Map<String, Answered> dense, List<String> keys) {
    int agreed = 0;
    double flops = 0;
    double full = 0;
    for (String key : keys) {
      agreed += answers.get(key).text().equals(dense.get(key).text()) ? 1 : 0;
      flops += answers.get(key).flops();
      full += dense.get(key).flops();
    }
    return new Trial(keys.size(), keys.size() - agreed, agreed, -1, flops, full, 0, 0);
  }
}
