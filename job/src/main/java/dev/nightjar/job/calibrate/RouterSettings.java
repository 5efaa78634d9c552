package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Dr.LLM (Heakl et al., arXiv:2510.12773): per layer and row skip, execute or repeat, decided by a
 * router from window means of the prompt's residuals. Labels come from a {@link PathSearch}; the
 * routers read residuals of the dense run, where the paper's read those of the labelled path.
 * Settings are numbers added to the logit of execute.
 */
record RouterSettings() implements SettingSource {
  private static final int WINDOWS = 8;
  private static final double[] SHIFTS = {6, 4, 3, 2, 1, 0};

  /** So large that every layer runs once. */
  private static final double ALWAYS = 1e6;

  /** Of the effective number of samples (Cui et al., arXiv:1901.05555). */
  private static final double BETA = 0.999;

  private static final long MAX_WINDOW_BYTES = 256L << 20;

  /** One row's window means, {@code [layers][windows][d]}. */
  private record Windows(float[][][] means) implements Serializable {
    static Windows of(LlmEngine engine, DenseRow row) {
      int tokens = row.prompt().length;
      HiddenStates states = engine.hiddenStates(row.prompt(), tokens);
      int windows = Math.min(WINDOWS, tokens);
      int width = tokens / windows;
      int d = states.hiddenSize();
      float[][][] means = new float[states.layers()][windows][d];
      for (int layer = 0; layer < states.layers(); layer++) {
        for (int t = 0; t < windows * width; t++) {
          float[] mean = means[layer][t / width];
          for (int i = 0; i < d; i++) {
            mean[i] += states.residuals()[layer][t * d + i] / width;
          }
        }
      }
      return new Windows(means);
    }
  }

  @Override
  public Proposal propose(Calibration calibration) {
    int layers = calibration.model().layers();
    long rowBytes = (long) layers * WINDOWS * calibration.model().hiddenSize() * Float.BYTES;
    List<DenseRow> rows = calibration.fitting();
    rows = rows.subList(0, Math.clamp(MAX_WINDOW_BYTES / rowBytes, 1, rows.size()));
    List<LayerPath> paths = new PathSearch(calibration, rows).run();
    List<Windows> windows =
        calibration.jobs().trace(rows, (engine, row) -> Windows.of(engine, row));
    int[] counts = new int[RouterFit.CLASSES];
    for (LayerPath path : paths) {
      for (byte times : path.times()) {
        counts[times]++;
      }
    }
    RouterFit[] routers = new RouterFit[layers];
    for (int layer = 0; layer < layers; layer++) {
      float[][][] x = new float[rows.size()][][];
      int[] labels = new int[rows.size()];
      for (int row = 0; row < x.length; row++) {
        x[row] = windows.get(row).means()[layer];
        labels[row] = paths.get(row).times()[layer];
      }
      long seed = 31 * calibration.options().seed() + layer;
      routers[layer] = RouterFit.fit(x, labels, weights(counts), seed);
    }
    List<Setting> settings = new ArrayList<>();
    for (double shift : SHIFTS) {
      settings.add(Setting.of("drllm shift=" + shift, draft(routers, counts, shift)));
    }
    return new Proposal(settings, draft(routers, counts, ALWAYS));
  }

  /** Class weights with mean 1 over the classes. */
  private static double[] weights(int[] counts) {
    double[] weights = new double[counts.length];
    double sum = 0;
    for (int c = 0; c < weights.length; c++) {
      weights[c] = (1 - BETA) / (1 - StrictMath.pow(BETA, Math.max(1, counts[c])));
      sum += weights[c];
    }
    for (int c = 0; c < weights.length; c++) {
      weights[c] *= weights.length / sum;
    }
    return weights;
  }

  private static ArtefactDraft draft(RouterFit[] routers, int[] counts, double shift) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("router_hidden_size", RouterFit.HIDDEN);
    fields.put("windows", WINDOWS);
    fields.put("execute_shift", shift);
    ArrayNode labels = fields.putArray("label_counts");
    for (int count : counts) {
      labels.add(count);
    }
    Map<String, ArtefactDraft.Tensor> tensors = new LinkedHashMap<>();
    for (int layer = 0; layer < routers.length; layer++) {
      RouterFit router = routers[layer];
      int d = router.hiddenWeight().length / RouterFit.HIDDEN;
      float[] classBias = router.classBias().clone();
      classBias[1] += (float) shift;
      String prefix = "layers." + layer + ".router.";
      put(tensors, prefix + "0.weight", router.hiddenWeight(), RouterFit.HIDDEN, d);
      put(tensors, prefix + "0.bias", router.hiddenBias(), RouterFit.HIDDEN);
      put(tensors, prefix + "1.weight", router.classWeight(), RouterFit.CLASSES, RouterFit.HIDDEN);
      put(tensors, prefix + "1.bias", classBias, RouterFit.CLASSES);
    }
    return new ArtefactDraft("drllm", fields, tensors);
  }

  private static void put(
      Map<String, ArtefactDraft.Tensor> tensors, String name, float[] values, long... shape) {
    tensors.put(name, new ArtefactDraft.Tensor(shape, values));
  }
}
