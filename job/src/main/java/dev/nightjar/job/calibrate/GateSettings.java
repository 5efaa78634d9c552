package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Gates fitted to recorded residuals; not D-LLM, whose routers are trained through the model. Per
 * layer a logistic regression predicts from the residual whether the layer changes its direction by
 * more than the median change over all gated layers; a token runs the layer where the log-odds
 * reach a threshold, one for all layers, set for a share of (token, layer) cells. Settings are
 * those shares.
 */
record GateSettings() implements SettingSource {
  private static final int FIRST_GATED = 2;
  private static final int RESERVED = 2;
  private static final double[] BUDGETS = {0.9, 0.8, 0.7, 0.6};

  /** Below every score: all layers run. */
  private static final double OPEN = -1e6;

  private static final double RIDGE = 1;
  private static final long MAX_SAMPLE_BYTES = 256L << 20;

  @Override
  public Proposal propose(Calibration calibration) {
    int layers = calibration.model().layers();
    if (layers <= FIRST_GATED) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          "the model has " + layers + " layers, expected more than " + FIRST_GATED + " for gates");
    }
    List<GateSamples> samples = samples(calibration);
    float[] pooled = pooledChange(samples, layers);
    if (pooled.length == 0) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "no fitting row has a token behind the first " + RESERVED + "; use longer prompts");
    }
    float cut = pooled[pooled.length / 2];
    LogisticRegression[] gates = new LogisticRegression[layers];
    List<double[]> scores = new ArrayList<>();
    for (int layer = FIRST_GATED; layer < layers; layer++) {
      float[][] x = inputs(samples, layer);
      gates[layer] = rounded(LogisticRegression.fit(x, labels(samples, layer, cut), RIDGE));
      scores.add(scores(gates[layer], x));
    }
    double[] sorted = scores.stream().flatMapToDouble(Arrays::stream).sorted().toArray();
    Map<String, Double> thresholds = new LinkedHashMap<>();
    for (int i = BUDGETS.length - 1; i >= 0; i--) {
      thresholds.put(name(BUDGETS[i]), threshold(sorted, BUDGETS[i], layers));
    }
    List<Setting> settings = new ArrayList<>();
    for (double budget : BUDGETS) {
      ArtefactDraft draft = draft(gates, thresholds, thresholds.get(name(budget)), name(budget));
      settings.add(Setting.of("gates budget=" + name(budget), draft));
    }
    return new Proposal(settings, draft(gates, thresholds, OPEN, "1.00"));
  }

  private static List<GateSamples> samples(Calibration calibration) {
    int layers = calibration.model().layers();
    long bytes = (long) layers * calibration.model().hiddenSize() * Float.BYTES;
    long wanted = Math.min(calibration.options().fitting().samples(), MAX_SAMPLE_BYTES / bytes);
    int perRow = (int) Math.max(1, Math.ceilDiv(wanted, calibration.fitting().size()));
    return calibration
        .jobs()
        .trace(
            calibration.fitting(), (engine, row) -> GateSamples.of(engine, row, RESERVED, perRow));
  }

  private static float[] pooledChange(List<GateSamples> samples, int layers) {
    int size = 0;
    for (GateSamples row : samples) {
      size += row.change()[0].length * (layers - FIRST_GATED);
    }
    float[] pooled = new float[size];
    int filled = 0;
    for (GateSamples row : samples) {
      for (int layer = FIRST_GATED; layer < layers; layer++) {
        for (float change : row.change()[layer]) {
          pooled[filled++] = change;
        }
      }
    }
    Arrays.sort(pooled);
    return pooled;
  }

  private static float[][] inputs(List<GateSamples> samples, int layer) {
    List<float[]> rows = new ArrayList<>();
    for (GateSamples row : samples) {
      rows.addAll(Arrays.asList(row.inputs()[layer]));
    }
    return rows.toArray(new float[0][]);
  }

  private static boolean[] labels(List<GateSamples> samples, int layer, float cut) {
    int size = 0;
    for (GateSamples row : samples) {
      size += row.change()[layer].length;
    }
    boolean[] labels = new boolean[size];
    int filled = 0;
    for (GateSamples row : samples) {
      for (float change : row.change()[layer]) {
        labels[filled++] = change > cut;
      }
    }
    return labels;
  }

  /** The same with the precision it is stored in. */
  private static LogisticRegression rounded(LogisticRegression gate) {
    double[] weights = new double[gate.weights().length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) gate.weights()[i];
    }
    return new LogisticRegression(weights, (float) gate.bias());
  }

  private static double[] scores(LogisticRegression gate, float[][] x) {
    double[] scores = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      scores[i] = gate.score(x[i]);
    }
    return scores;
  }

  /** The score that so many gated cells reach that the budget is met over all layers. */
  private static double threshold(double[] sorted, double budget, int layers) {
    double gatedShare =
        Math.clamp((budget * layers - FIRST_GATED) / (layers - FIRST_GATED), 0.0, 1.0);
    int skipped = (int) Math.round((1 - gatedShare) * sorted.length);
    return (float) sorted[Math.min(skipped, sorted.length - 1)];
  }

  private static String name(double budget) {
    return String.format(Locale.ROOT, "%.2f", budget);
  }

  private static ArtefactDraft draft(
      LogisticRegression[] gates, Map<String, Double> thresholds, double chosen, String budget) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("kind", "fitted gates: logistic regressions on recorded residuals");
    fields.put("first_gated_layer", FIRST_GATED);
    fields.put("reserved_positions", RESERVED);
    fields.put("kv", "project");
    ObjectNode all = fields.putObject("thresholds");
    thresholds.forEach(all::put);
    all.put("default", chosen);
    fields.put("default_budget", budget);
    Map<String, ArtefactDraft.Tensor> tensors = new LinkedHashMap<>();
    for (int layer = FIRST_GATED; layer < gates.length; layer++) {
      double[] weights = gates[layer].weights();
      float[] values = new float[weights.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) weights[i];
      }
      String prefix = "layers." + layer + ".gate.";
      tensors.put(
          prefix + "weight", new ArtefactDraft.Tensor(new long[] {1, values.length}, values));
      tensors.put(
          prefix + "bias",
          new ArtefactDraft.Tensor(new long[] {1}, new float[] {(float) gates[layer].bias()}));
    }
    return new ArtefactDraft("gates", fields, tensors);
  }
}
