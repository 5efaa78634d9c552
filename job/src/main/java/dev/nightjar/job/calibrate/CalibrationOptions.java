package dev.nightjar.job.calibrate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * How to calibrate; made once on the driver.
 *
 * @param out folder of the artefact; while settings are tried, executors read candidates below it
 * @param rows rows of the sample, at most
 * @param heldOut share of the sample that settings are tested on and nothing is fitted to
 * @param tolerance risk allowed
 * @param confidence with which the risk is below the tolerance
 * @param seed of the sample and of the split
 * @param partitions Spark tasks per pass; never changes a result
 * @param goldColumn column with the right answer, or null
 * @param goldFields columns with the right values of the answer's JSON fields
 * @param fitting options of single methods
 */
record CalibrationOptions(
    CalibrationMethod method,
    Path out,
    int rows,
    double heldOut,
    double tolerance,
    double confidence,
    long seed,
    int partitions,
    String goldColumn,
    List<String> goldFields,
    Fitting fitting) {

  /**
   * Options of single methods.
   *
   * @param skip share of feed-forward sublayers that FFN-SkipLLM is to skip
   * @param warmUp generated tokens that run every feed-forward sublayer
   * @param exits numbers of layers below an exit; empty chooses
   * @param dropped layers to drop; 0 chooses
   * @param probeLayer layer whose input the row probe reads
   * @param samples residuals to fit gates to, at most
   */
  record Fitting(
      double skip, int warmUp, List<Integer> exits, int dropped, int probeLayer, int samples) {

    /** What the command line has by default. */
    static final Fitting DEFAULT = new Fitting(0.25, 4, List.of(), 0, 2, 4096);

    Fitting {
      check(skip > 0 && skip < 1, "--skip", skip, "a number in (0, 1)");
      check(warmUp >= 0, "--warm-up", warmUp, "0 or more tokens");
      check(dropped >= 0, "--count", dropped, "0 (choose) or a number of layers");
      check(probeLayer >= 0, "--probe-layer", probeLayer, "0 or more");
      check(samples >= 16, "--samples", samples, "at least 16");
      exits = List.copyOf(exits);
    }
  }

  CalibrationOptions {
    Objects.requireNonNull(method, "method is null");
    Objects.requireNonNull(fitting, "fitting is null");
    check(rows >= 4, "--rows", rows, "at least 4");
    check(heldOut > 0 && heldOut < 1, "--held-out", heldOut, "a number in (0, 1)");
    check(tolerance > 0 && tolerance < 1, "--tolerance", tolerance, "a number in (0, 1)");
    check(confidence > 0 && confidence < 1, "--confidence", confidence, "a number in (0, 1)");
    check(partitions >= 0, "--partitions", partitions, "0 (choose) or a number of tasks");
    check(
        goldColumn == null || goldFields.isEmpty(),
        "--gold",
        goldColumn,
        "either --gold or --gold-fields");
    out = out.toAbsolutePath().normalize();
    check(
        out.toString().indexOf(',') < 0,
        "--out",
        out,
        "a folder without a comma in its path, which depth specifications cannot hold");
    goldFields = List.copyOf(goldFields);
  }

  private static void check(boolean ok, String name, Object found, String expected) {
    if (!ok) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, name + " is " + found + ", expected " + expected);
    }
  }

  /** Whether risk is counted in gold values rather than in agreement with the dense model. */
  boolean gold() {
    return goldColumn != null || !goldFields.isEmpty();
  }

  /** Columns with gold values. */
  List<String> goldColumns() {
    return goldColumn != null ? List.of(goldColumn) : goldFields;
  }
}
