package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * AdaInfer (Fan et al., arXiv:2403.02181): at the last prompt token, the largest probability and
 * its distance to the second tell whether a layer's token is already the last layer's. One logistic
 * regression serves all layers, in place of the paper's support vector machine. Settings are
 * numbers taken off its log-odds.
 */
record AdaInferSettings() implements SettingSource {
  private static final double[] SHIFTS = {8, 6, 5, 4, 3, 2, 1, 0};

  /** So large that no row ever leaves. */
  private static final double NEVER = 1e6;

  private static final double RIDGE = 1e-3;

  /** One row: what the head says of the last prompt token after each layer but the last. */
  private record Trace(float[] top1, float[] gap, boolean[] agrees) implements Serializable {
    static Trace of(LlmEngine engine, DenseRow row, int[] exits) {
      HiddenStates states = engine.hiddenStates(row.prompt(), row.prompt().length);
      int last = row.prompt().length - 1;
      int token = TopTwo.of(engine, states.residuals()[states.layers()], last, 1)[0].token();
      Trace trace =
          new Trace(new float[exits.length], new float[exits.length], new boolean[exits.length]);
      for (int e = 0; e < exits.length; e++) {
        TopTwo here = TopTwo.of(engine, states.residuals()[exits[e]], last, 1)[0];
        trace.top1[e] = here.top1();
        trace.gap[e] = here.top1() - here.top2();
        trace.agrees[e] = here.token() == token;
      }
      return trace;
    }
  }

  @Override
  public Proposal propose(Calibration calibration) {
    int[] used = exits(calibration);
    List<Trace> traces =
        calibration
            .jobs()
            .trace(calibration.fitting(), (engine, row) -> Trace.of(engine, row, used));
    float[][] x = new float[traces.size() * used.length][];
    boolean[] y = new boolean[x.length];
    int filled = 0;
    for (Trace trace : traces) {
      for (int e = 0; e < used.length; e++) {
        x[filled] = new float[] {trace.top1()[e], trace.gap()[e]};
        y[filled++] = trace.agrees()[e];
      }
    }
    LogisticRegression fit = LogisticRegression.fit(x, y, RIDGE);
    List<Setting> settings = new ArrayList<>();
    for (double shift : SHIFTS) {
      settings.add(Setting.of("adainfer shift=" + shift, draft(fit, used, shift)));
    }
    return new Proposal(settings, draft(fit, used, NEVER));
  }

  /** Exits that the user names, else four or so from a third of the depth on. */
  static int[] exits(Calibration calibration) {
    int layers = calibration.model().layers();
    List<Integer> exits = new ArrayList<>(ExitSettings.given(calibration));
    if (exits.isEmpty()) {
      int every = Math.max(1, layers / 6);
      for (int layer = Math.max(1, layers / 3); layer < layers; layer += every) {
        exits.add(layer);
      }
    }
    return exits.stream().mapToInt(Integer::intValue).sorted().toArray();
  }

  private static ArtefactDraft draft(LogisticRegression fit, int[] exits, double shift) {
    ObjectNode fields = ArtefactDraft.object();
    ArrayNode coefficients = fields.putArray("coefficients");
    coefficients.add(fit.bias() - shift).add(fit.weights()[0]).add(fit.weights()[1]);
    ArrayNode layers = fields.putArray("layers");
    for (int exit : exits) {
      layers.add(exit);
    }
    return ArtefactDraft.of("adainfer", fields);
  }
}
