package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The stop-and-exit controller (Sun et al., ICSE 2024): one linear map of the residual, shared by
 * all layers, tells whether to give the row up, to leave here, or to go on. Labels are the paper's:
 * teacher-forced along the right answer, a token is for stopping where no layer finds it, for
 * leaving from the first layer on that does, and for going on below. The right answer is the gold
 * text where there is one, else the dense answer, along which nothing is for stopping. The fit is a
 * weighted multinomial regression in place of gradient steps; heads are the model's own. Settings
 * are thresholds of leaving.
 */
record StopExitSettings() implements SettingSource {
  private static final int CLASSES = 3;
  private static final int STOP = 0;
  private static final int EXIT = 1;
  private static final int CONTINUE = 2;
  private static final double[] THRESHOLDS = {
    0.99999, 0.9999, 0.9995, 0.999, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5
  };
  private static final double STOP_THRESHOLD = 0.95;
  private static final double RIDGE = 1;

  /** One row's generated tokens after each exit: residuals and labels, exits outermost. */
  private record Trace(float[][] residuals, int[] labels) implements Serializable {
    static Trace of(LlmEngine engine, DenseRow row, int[] exits, boolean goldText) {
      int[] prompt = row.prompt();
      int[] right = row.answer();
      if (goldText && row.gold().getFirst() != null) {
        right = engine.encoder().tokenizer().encode(row.gold().getFirst());
      }
      int room = engine.modelConfig().contextLength() - prompt.length;
      int tokens = Math.min(right.length, room) - 1;
      if (tokens < 1) {
        return new Trace(new float[0][], new int[0]);
      }
      int[] fed = Arrays.copyOf(prompt, prompt.length + tokens);
      System.arraycopy(right, 0, fed, prompt.length, tokens);
      HiddenStates states = engine.hiddenStates(fed, prompt.length);
      int[] first = new int[tokens];
      Arrays.fill(first, Integer.MAX_VALUE);
      for (int layer = states.layers(); layer >= 1; layer--) {
        TopTwo[] here = TopTwo.of(engine, states.residuals()[layer], prompt.length, tokens);
        for (int t = 0; t < tokens; t++) {
          first[t] = here[t].token() == right[t + 1] ? layer : first[t];
        }
      }
      int d = states.hiddenSize();
      float[][] residuals = new float[exits.length * tokens][];
      int[] labels = new int[exits.length * tokens];
      for (int e = 0; e < exits.length; e++) {
        for (int t = 0; t < tokens; t++) {
          int from = (prompt.length + t) * d;
          int at = e * tokens + t;
          residuals[at] = Arrays.copyOfRange(states.residuals()[exits[e]], from, from + d);
          labels[at] =
              first[t] == Integer.MAX_VALUE ? STOP : first[t] <= exits[e] ? EXIT : CONTINUE;
        }
      }
      return new Trace(residuals, labels);
    }
  }

  @Override
  public Proposal propose(Calibration calibration) {
    int[] exits = exits(calibration);
    boolean goldText = calibration.options().gold() && calibration.options().goldFields().isEmpty();
    List<DenseRow> rows = calibration.affordable(row -> (long) exits.length * row.answer().length);
    List<Trace> traces =
        calibration.jobs().trace(rows, (engine, row) -> Trace.of(engine, row, exits, goldText));
    SoftmaxRegression fit = fit(traces, exits);
    float[] weight = new float[CLASSES * fit.weights()[0].length];
    int filled = 0;
    for (double[] row : fit.weights()) {
      for (double w : row) {
        weight[filled++] = (float) w;
      }
    }
    List<Setting> settings = new ArrayList<>();
    for (double threshold : THRESHOLDS) {
      settings.add(Setting.of("sec threshold=" + threshold, draft(weight, exits, threshold)));
    }
    return new Proposal(settings, draft(weight, exits, 1));
  }

  /** Exits that the user names, else the layers from a third of the depth on. */
  private static int[] exits(Calibration calibration) {
    TreeSet<Integer> exits = ExitSettings.given(calibration);
    int layers = calibration.model().layers();
    if (exits.isEmpty()) {
      exits.addAll(IntStream.range(Math.max(1, layers / 3), layers).boxed().toList());
    }
    return exits.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Every exit weighs as much as its layer's number, as in the paper's loss. */
  private static SoftmaxRegression fit(List<Trace> traces, int[] exits) {
    List<float[]> x = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    double mean = Arrays.stream(exits).average().orElseThrow();
    for (Trace trace : traces) {
      int tokens = trace.labels().length / exits.length;
      for (int i = 0; i < trace.labels().length; i++) {
        x.add(trace.residuals()[i]);
        labels.add(trace.labels()[i]);
        weights.add(exits[i / tokens] / mean);
      }
    }
    return SoftmaxRegression.fitWithoutBias(
        x.toArray(float[][]::new),
        labels.stream().mapToInt(Integer::intValue).toArray(),
        weights.stream().mapToDouble(Double::doubleValue).toArray(),
        CLASSES,
        RIDGE);
  }

  private static ArtefactDraft draft(float[] weight, int[] exits, double threshold) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("stop_threshold", STOP_THRESHOLD).put("exit_threshold", threshold);
    ArrayNode layers = fields.putArray("layers");
    for (int exit : exits) {
      layers.add(exit);
    }
    long[] shape = {CLASSES, weight.length / CLASSES};
    return new ArtefactDraft(
        "sec", fields, Map.of("controller.weight", new ArtefactDraft.Tensor(shape, weight)));
  }
}
