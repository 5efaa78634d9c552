package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.udfs.InferenceOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The calibration job: draws a sample, answers it densely, fits a method on a part of it, tests the
 * method's settings on the rest, and writes the artefact with its evidence.
 */
final class CalibrationRun {
  private final CalibrationOptions options;
  private final InferenceOptions inference;
  private final PrintStream log;

  /**
   * A run that has not started.
   *
   * @param log where progress goes
   * @throws EngineException when the method does not fit the task
   */
  CalibrationRun(CalibrationOptions options, InferenceOptions inference, PrintStream log) {
    this.options = options;
    this.inference = inference;
    this.log = log;
    checkTask();
  }

  private void checkTask() {
    if (options.method() == CalibrationMethod.READING
        && (inference.choice() == null || inference.choice().labels().size() < 2)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--method " + options.method() + " needs --labels A,B with two labels or more");
    }
    if (options.method() == CalibrationMethod.SEC && inference.choice() != null) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--method sec is given with --labels, expected rows that generate text: its controller"
              + " ends generated tokens; for labels use --method 2d or adainfer");
    }
    if (inference.choice() != null && !options.goldFields().isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--gold-fields is given with --labels, expected --gold COLUMN: a label has no fields");
    }
  }

  /** Runs; returns the summary. */
  ObjectNode run(SparkSession spark, Dataset<Row> corpus) throws IOException {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    EngineJobs jobs = new EngineJobs(context, inference, options.partitions());
    ModelFacts model = jobs.facts();
    List<SampleRow> drawn = CorpusSample.draw(corpus, inference, options);
    if (drawn.isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, "the input has no rows with a prompt, expected at least 4");
    }
    say("%d rows drawn, answering them at full depth", drawn.size());
    List<DenseRow> sample = jobs.dense(drawn, inference, corpus.schema());
    try (Calibration calibration = new Calibration(options, jobs, model, sample)) {
      say(
          "%d rows answered; fitting %s on %d, testing on %d",
          sample.size(),
          options.method(),
          calibration.fitting().size(),
          calibration.heldOut().size());
      warnOfTooFewRows(calibration.heldOut().size());
      SettingSource.Proposal proposal = options.method().source().propose(calibration);
      FixedSequence sequence = test(calibration, proposal);
      return write(calibration, proposal, sequence);
    }
  }

  private void warnOfTooFewRows(int heldOut) {
    if (HoeffdingBentkus.pValue(0, heldOut, options.tolerance()) > 1 - options.confidence()) {
      double needed =
          Math.ceil(
              StrictMath.log(1 - options.confidence()) / StrictMath.log1p(-options.tolerance()));
      say(
          "%d held-out rows cannot show a risk below %s with confidence %s; it takes at least %.0f,"
              + " so no setting will pass: give more --rows, or a larger --tolerance",
          heldOut, options.tolerance(), options.confidence(), needed);
    }
  }

  private void say(String format, Object... values) {
    log.println("calibrate: " + String.format(Locale.ROOT, format, values));
  }

  private FixedSequence test(Calibration calibration, SettingSource.Proposal proposal) {
    List<Setting> settings = proposal.settings();
    FixedSequence sequence =
        FixedSequence.test(
            settings.size(),
            i -> calibration.run(settings.get(i), calibration.heldOut()),
            options.tolerance(),
            options.confidence());
    for (FixedSequence.Tested each : sequence.tested()) {
      say(
          "%s: risk %.4f, p-value %.4f, %.1f %% of the operations saved, %s",
          settings.get(each.index()).label(),
          each.trial().risk(),
          each.pValue(),
          100 * each.trial().computeSaved(),
          each.passed() ? "passed" : "failed");
    }
    return sequence;
  }

  private ObjectNode write(
      Calibration calibration, SettingSource.Proposal proposal, FixedSequence sequence)
      throws IOException {
    FixedSequence.Tested cheapest = sequence.cheapest();
    boolean useful = cheapest != null && cheapest.trial().computeSaved() > 0;
    Setting chosen = useful ? proposal.settings().get(cheapest.index()) : null;
    ArtefactDraft draft = useful ? chosen.artefact() : proposal.safe();
    ObjectNode evidence = evidence(proposal, sequence, useful ? cheapest : null);
    draft =
        draft
            .with("calibration", describe(calibration))
            .with("quality", quality(calibration, useful ? cheapest : null))
            .with("evidence", evidence);
    draft.write(options.out(), calibration.model());
    String result =
        useful
            ? "chose " + chosen.label()
            : cheapest != null
                ? "no setting that meets the tolerance saves operations"
                : "no setting meets the tolerance";
    say("%s; artefact in %s", result, options.out());
    return summary(calibration, draft, chosen, useful ? cheapest : null, result);
  }

  private ObjectNode describe(Calibration calibration) {
    return ArtefactDraft.object()
        .put("method", options.method().toString())
        .put("rows", calibration.sample().size())
        .put("tokens", calibration.tokens())
        .put("sample_sha256", calibration.sampleHash())
        .put("seed", options.seed())
        .put("held_out_rows", calibration.heldOut().size());
  }

  /** The held-out rows under the chosen setting; the dense model itself without one. */
  private ObjectNode quality(Calibration calibration, FixedSequence.Tested chosen) {
    ObjectNode node = ArtefactDraft.object();
    node.put("held_out_rows", calibration.heldOut().size());
    if (chosen == null) {
      return node.put("risk", 0.0).put("agreement", 1.0).put("compute_saved", 0.0);
    }
    Trial trial = chosen.trial();
    node.put("risk", trial.risk());
    node.put("agreement", (double) trial.agreed() / trial.rows());
    node.put("compute_saved", trial.computeSaved());
    node.put("cells", trial.cellShare());
    if (options.gold()) {
      node.put("score", trial.score());
      node.put("score_full", denseScore(calibration));
    }
    return node;
  }

  private static double denseScore(Calibration calibration) {
    double sum = 0;
    for (DenseRow row : calibration.heldOut()) {
      sum += calibration.score().score(row, row.text());
    }
    return sum / calibration.heldOut().size();
  }

  private ObjectNode evidence(
      SettingSource.Proposal proposal, FixedSequence sequence, FixedSequence.Tested chosen) {
    ObjectNode node = ArtefactDraft.object();
    node.put("tolerance", options.tolerance());
    node.put("confidence", options.confidence());
    node.put("risk_of", options.gold() ? "gold values lost against full depth" : "another answer");
    node.put("test", "fixed sequence, Hoeffding-Bentkus");
    node.put("passed", chosen != null);
    if (chosen != null) {
      node.put("setting", proposal.settings().get(chosen.index()).label());
      node.put("rows", chosen.trial().rows());
      node.put("risk", chosen.trial().risk());
      node.put("p_value", chosen.pValue());
    }
    ArrayNode tested = node.putArray("tested");
    for (FixedSequence.Tested each : sequence.tested()) {
      tested
          .addObject()
          .put("setting", proposal.settings().get(each.index()).label())
          .put("rows", each.trial().rows())
          .put("risk", each.trial().risk())
          .put("p_value", each.pValue())
          .put("compute_saved", each.trial().computeSaved())
          .put("passed", each.passed());
    }
    return node;
  }

  private ObjectNode summary(
      Calibration calibration,
      ArtefactDraft draft,
      Setting chosen,
      FixedSequence.Tested tested,
      String result) {
    ObjectNode node = ArtefactDraft.object();
    node.put("status", "ok");
    node.put("method", options.method().toString());
    node.put("artefact", options.out().toString());
    node.put("policy", draft.policy());
    String out = options.out().toString();
    node.put(
        "depth",
        draft.policy().equals("full")
            ? "full"
            : chosen == null ? draft.policy() + ":artefact=" + out : chosen.spec(out));
    node.put("result", result);
    node.put("rows", calibration.sample().size());
    node.put("held_out_rows", calibration.heldOut().size());
    node.put("passed", tested != null);
    node.setAll(quality(calibration, tested));
    if (tested != null) {
      node.put("p_value", tested.pValue());
    }
    return node;
  }
}
