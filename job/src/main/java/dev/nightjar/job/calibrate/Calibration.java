package dev.nightjar.job.calibrate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * What a method works with: the model, the passes over it, and the sample with its split into rows
 * to fit on and held-out rows to test on.
 */
final class Calibration implements AutoCloseable {
  private static final long MAX_RESIDUAL_BYTES = 256L << 20;

  private final CalibrationOptions options;
  private final EngineJobs jobs;
  private final ModelFacts model;
  private final List<DenseRow> sample;
  private final List<DenseRow> fitting = new ArrayList<>();
  private final List<DenseRow> heldOut = new ArrayList<>();
  private final AnswerScore score;
  private final Path candidates;
  private final Map<String, Trial> trials = new HashMap<>();
  private BlockStats blocks;

  /** Splits the sample; rows are in the order of their ranks. */
  Calibration(
      CalibrationOptions options, EngineJobs jobs, ModelFacts model, List<DenseRow> sample) {
    this.options = options;
    this.jobs = jobs;
    this.model = model;
    this.sample = List.copyOf(sample);
    this.score = new AnswerScore(options);
    this.candidates = options.out().resolve("candidates");
    List<DenseRow> dealt = new ArrayList<>(sample);
    dealt.sort(Comparator.comparing(row -> CorpusSample.hash("split", row.rank())));
    int numHeldOut =
        Math.clamp(Math.round(options.heldOut() * dealt.size()), 1, Math.max(1, dealt.size() - 1));
    Set<Integer> held = new HashSet<>();
    for (DenseRow row : dealt.subList(0, Math.min(numHeldOut, dealt.size()))) {
      held.add(row.index());
    }
    for (DenseRow row : sample) {
      (held.contains(row.index()) ? heldOut : fitting).add(row);
    }
    if (fitting.isEmpty() || heldOut.isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "the sample has "
              + sample.size()
              + " rows with an answer, expected at least 2; check input and prompt, and that"
              + " prompts fit the model's context");
    }
  }

  CalibrationOptions options() {
    return options;
  }

  EngineJobs jobs() {
    return jobs;
  }

  ModelFacts model() {
    return model;
  }

  /** Rows that things are fitted to. */
  List<DenseRow> fitting() {
    return fitting;
  }

  /**
   * As many of the fitting rows, one at least, as the driver has room for.
   *
   * @param residuals how many residuals of a row are kept
   */
  List<DenseRow> affordable(ToLongFunction<DenseRow> residuals) {
    long room = MAX_RESIDUAL_BYTES / ((long) Float.BYTES * model.hiddenSize());
    int count = 0;
    for (long used = 0; count < fitting.size(); count++) {
      used += residuals.applyAsLong(fitting.get(count));
      if (used > room && count > 0) {
        break;
      }
    }
    return fitting.subList(0, count);
  }

  /** Rows that settings are tested on. */
  List<DenseRow> heldOut() {
    return heldOut;
  }

  /** All rows. */
  List<DenseRow> sample() {
    return sample;
  }

  /** Hash of the ranks of the sample. */
  String sampleHash() {
    return CorpusSample.hash(sample.stream().map(DenseRow::rank).toList());
  }

  /** Prompt and fed-back tokens of the sample. */
  long tokens() {
    long tokens = 0;
    for (DenseRow row : sample) {
      tokens += row.prompt().length + row.answer().length - 1;
    }
    return tokens;
  }

  /** Statistics of the layers over the fitting rows; one pass, at first use. */
  BlockStats blocks() {
    if (blocks == null) {
      int layers = model.layers();
      blocks =
          jobs.aggregate(
              fitting, () -> new BlockStats(layers), (stats, states) -> stats.addRow(states));
    }
    return blocks;
  }

  /** Runs a setting on rows by real generation. */
  Trial run(Setting setting, List<DenseRow> rows) {
    if (setting.plain() != null) {
      return run(setting.plain(), rows);
    }
    Path folder = candidates.resolve(setting.artefact().contentName(model));
    try {
      if (!Files.exists(folder.resolve("depth.json"))) {
        setting.artefact().write(folder, model);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the candidate " + folder, e);
    }
    return run(setting.spec(folder.toString()), rows);
  }

  /** Runs a depth specification on rows by real generation. */
  Trial run(String spec, List<DenseRow> rows) {
    String key = spec + (rows == heldOut ? " held-out" : rows == fitting ? " fitting" : null);
    Trial known = trials.get(key);
    if (known == null) {
      known = score.trial(rows, jobs.generate(rows, spec));
      if (rows == heldOut || rows == fitting) {
        trials.put(key, known);
      }
    }
    return known;
  }

  /** The answers of a depth specification, in the order of the rows. */
  List<Answer> answers(String spec, List<DenseRow> rows) {
    return jobs.generate(rows, spec);
  }

  /** How answers are compared. */
  AnswerScore score() {
    return score;
  }

  /** Deletes the candidates. */
  @Override
  public void close() throws IOException {
    if (!Files.exists(candidates)) {
      return;
    }
    List<Path> files;
    try (Stream<Path> all = Files.walk(candidates)) {
      files = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }
}
