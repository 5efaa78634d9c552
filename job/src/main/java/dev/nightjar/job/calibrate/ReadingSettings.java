package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.depth.Reading;
import dev.nightjar.engine.tokenizer.Sentences;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Two-dimensional early exit (Hůla et al., arXiv:2604.18592) for rows that choose a label. Depths
 * are spread over as many sentences as the median row has, and the last one serves all sentences
 * behind. Each depth has one multinomial regression on the mean residual of all tokens read, fitted
 * at all sentences that are judged there; the label is the gold one if it is among those asked for,
 * else the choice at full depth. Settings are thresholds, the same for all sentences.
 */
record ReadingSettings() implements SettingSource {
  private static final double[] THRESHOLDS = {
    0.9999, 0.999, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5
  };

  /** So large that no row ever ends. */
  private static final double NEVER = 2;

  /** Sentences of a row share what was read before, so a row counts less than their number. */
  private static final double RIDGE = 30;

  private static final int MAX_SENTENCES = 64;

  /** One row's mean residual at the end of each sentence, at the depth where it is judged. */
  private record Trace(float[][] means) implements Serializable {
    static Trace of(LlmEngine engine, DenseRow row, int[] depths) {
      int[] ends = ends(engine, row);
      HiddenStates states = engine.hiddenStates(row.prompt(), row.prompt().length);
      float[][] means = new float[Math.min(ends.length, MAX_SENTENCES)][];
      for (int sentence = 0; sentence < means.length; sentence++) {
        int depth = depths[Math.min(sentence, depths.length - 1)];
        means[sentence] = mean(states.residuals()[depth], ends[sentence], states.hiddenSize());
      }
      return new Trace(means);
    }

    private static float[] mean(float[] residuals, int tokens, int hiddenSize) {
      double[] sums = new double[hiddenSize];
      for (int at = 0; at < tokens * hiddenSize; at++) {
        sums[at % hiddenSize] += residuals[at];
      }
      float[] mean = new float[hiddenSize];
      for (int i = 0; i < hiddenSize; i++) {
        mean[i] = (float) (sums[i] / tokens);
      }
      return mean;
    }
  }

  private static int[] ends(LlmEngine engine, DenseRow row) {
    return Sentences.ends(row.prompt(), Reading.MIN_TOKENS, engine.encoder().tokenizer());
  }

  @Override
  public Proposal propose(Calibration calibration) {
    List<String> labels = ((Task.Choose) calibration.jobs().task()).labels();
    int[] depths = depths(calibration);
    List<DenseRow> rows = calibration.affordable(row -> MAX_SENTENCES);
    List<Trace> traces =
        calibration.jobs().trace(rows, (engine, row) -> Trace.of(engine, row, depths));
    Map<Integer, SoftmaxRegression> fits = new LinkedHashMap<>();
    for (int depth : depths) {
      fits.computeIfAbsent(depth, at -> fit(rows, traces, labels, depths, at));
    }
    List<Setting> settings = new ArrayList<>();
    for (double threshold : THRESHOLDS) {
      settings.add(Setting.of("2d threshold=" + threshold, draft(labels, depths, fits, threshold)));
    }
    return new Proposal(settings, draft(labels, depths, fits, NEVER));
  }

  /** The depth at which each sentence is judged: none below the one before. */
  private static int[] depths(Calibration calibration) {
    int[] exits = AdaInferSettings.exits(calibration);
    int[] counts =
        calibration
            .jobs()
            .trace(calibration.fitting(), (engine, row) -> ends(engine, row).length)
            .stream()
            .mapToInt(Integer::intValue)
            .sorted()
            .toArray();
    int[] depths = new int[Math.clamp(counts[counts.length / 2], 1, MAX_SENTENCES)];
    for (int sentence = 0; sentence < depths.length; sentence++) {
      depths[sentence] = exits[sentence * exits.length / depths.length];
    }
    return depths;
  }

  private static SoftmaxRegression fit(
      List<DenseRow> rows, List<Trace> traces, List<String> labels, int[] depths, int depth) {
    List<float[]> x = new ArrayList<>();
    List<Integer> right = new ArrayList<>();
    for (int row = 0; row < traces.size(); row++) {
      float[][] means = traces.get(row).means();
      for (int sentence = 0; sentence < means.length; sentence++) {
        if (depths[Math.min(sentence, depths.length - 1)] == depth) {
          x.add(means[sentence]);
          right.add(label(rows.get(row), labels));
        }
      }
    }
    return SoftmaxRegression.fit(
        x.toArray(float[][]::new),
        right.stream().mapToInt(Integer::intValue).toArray(),
        labels.size(),
        RIDGE);
  }

  private static int label(DenseRow row, List<String> labels) {
    int gold = row.gold().isEmpty() ? -1 : labels.indexOf(row.gold().getFirst());
    return gold >= 0 ? gold : labels.indexOf(row.text());
  }

  private static ArtefactDraft draft(
      List<String> labels, int[] depths, Map<Integer, SoftmaxRegression> fits, double threshold) {
    ObjectNode fields = ArtefactDraft.object();
    labels.forEach(fields.putArray("labels")::add);
    ArrayNode layers = fields.putArray("depths");
    Arrays.stream(depths).forEach(layers::add);
    ArrayNode thresholds = fields.putArray("thresholds");
    Map<String, ArtefactDraft.Tensor> tensors = new LinkedHashMap<>();
    for (int sentence = 0; sentence < depths.length; sentence++) {
      thresholds.add(threshold);
      SoftmaxRegression fit = fits.get(depths[sentence]);
      int d = fit.weights()[0].length;
      float[] weight = new float[labels.size() * d];
      float[] bias = new float[labels.size()];
      for (int label = 0; label < bias.length; label++) {
        bias[label] = (float) fit.biases()[label];
        for (int i = 0; i < d; i++) {
          weight[label * d + i] = (float) fit.weights()[label][i];
        }
      }
      String prefix = "adapters." + sentence + ".";
      tensors.put(
          prefix + "weight", new ArtefactDraft.Tensor(new long[] {labels.size(), d}, weight));
      tensors.put(prefix + "bias", new ArtefactDraft.Tensor(new long[] {labels.size()}, bias));
    }
    return new ArtefactDraft("2d", fields, tensors);
  }
}
