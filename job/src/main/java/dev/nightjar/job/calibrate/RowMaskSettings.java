package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * One of several nested layer masks per row (after the oracle of Glavas et al., arXiv:2410.20022),
 * chosen by a multinomial logistic regression on the residual of the last prompt token. A row's
 * label is the cheapest mask whose generated answer loses nothing. Settings are margins: mask k's
 * logit gets k times the margin, so that a larger one makes dearer masks more likely.
 */
record RowMaskSettings() implements SettingSource {
  private static final double[] SHARES = {0.5, 0.75, 1};
  private static final double[] MARGINS = {8, 4, 2, 1, 0.5, 0};

  /** So large that every row runs every layer. */
  private static final double ALWAYS_FULL = 1e6;

  private static final double RIDGE = 1;

  @Override
  public Proposal propose(Calibration calibration) {
    int layers = calibration.model().layers();
    int probeLayer = calibration.options().fitting().probeLayer();
    if (probeLayer >= layers) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--probe-layer is " + probeLayer + ", expected a layer in [0, " + (layers - 1) + "]");
    }
    List<TreeSet<Integer>> masks = masks(layers, probeLayer);
    int[] labels = labels(calibration, masks);
    float[][] features =
        calibration
            .jobs()
            .<float[]>trace(
                calibration.fitting(),
                (engine, row) -> {
                  HiddenStates states = engine.hiddenStates(row.prompt(), row.prompt().length);
                  int d = states.hiddenSize();
                  int last = (row.prompt().length - 1) * d;
                  return java.util.Arrays.copyOfRange(
                      states.residuals()[probeLayer], last, last + d);
                })
            .toArray(new float[0][]);
    SoftmaxRegression probe = SoftmaxRegression.fit(features, labels, masks.size(), RIDGE);
    int[] counts = new int[masks.size()];
    for (int label : labels) {
      counts[label]++;
    }
    List<Setting> settings = new ArrayList<>();
    for (double margin : MARGINS) {
      settings.add(
          Setting.of("rowmask margin=" + margin, draft(masks, probe, probeLayer, margin, counts)));
    }
    return new Proposal(settings, draft(masks, probe, probeLayer, ALWAYS_FULL, counts));
  }

  /**
   * Nested masks, cheapest first, the last one full. Layers up to the probe's always run, so that
   * the choice can be made there; the others are added so that every mask is spread evenly.
   */
  static List<TreeSet<Integer>> masks(int layers, int probeLayer) {
    TreeSet<Integer> kept = new TreeSet<>();
    for (int layer = 0; layer < Math.max(1, probeLayer); layer++) {
      kept.add(layer);
    }
    kept.add(layers - 1);
    List<TreeSet<Integer>> masks = new ArrayList<>();
    for (double share : SHARES) {
      int size = Math.max(kept.size(), (int) Math.ceil(share * layers));
      while (kept.size() < size) {
        kept.add(middleOfWidestGap(kept));
      }
      if (masks.isEmpty() || masks.getLast().size() < kept.size()) {
        masks.add(new TreeSet<>(kept));
      }
    }
    return masks;
  }

  private static int middleOfWidestGap(TreeSet<Integer> kept) {
    int bestFrom = 0;
    int bestWidth = 0;
    Integer previous = null;
    for (int layer : kept) {
      if (previous != null && layer - previous > bestWidth) {
        bestWidth = layer - previous;
        bestFrom = previous;
      }
      previous = layer;
    }
    return bestFrom + bestWidth / 2;
  }

  private static int[] labels(Calibration calibration, List<TreeSet<Integer>> masks) {
    List<DenseRow> rows = calibration.fitting();
    int[] labels = new int[rows.size()];
    java.util.Arrays.fill(labels, masks.size() - 1);
    for (int k = masks.size() - 2; k >= 0; k--) {
      String keep = masks.get(k).stream().map(String::valueOf).collect(Collectors.joining("+"));
      List<Answer> answers = calibration.answers("static:keep=" + keep, rows);
      for (int i = 0; i < labels.length; i++) {
        if (calibration.score().loss(rows.get(i), answers.get(i).text()) == 0) {
          labels[i] = k;
        }
      }
    }
    return labels;
  }

  private static ArtefactDraft draft(
      List<TreeSet<Integer>> masks,
      SoftmaxRegression probe,
      int probeLayer,
      double margin,
      int[] counts) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("probe_layer", probeLayer);
    fields.put("margin", margin);
    ArrayNode all = fields.putArray("masks");
    for (TreeSet<Integer> mask : masks) {
      ArrayNode one = all.addArray();
      mask.forEach(one::add);
    }
    ArrayNode labels = fields.putArray("label_counts");
    for (int count : counts) {
      labels.add(count);
    }
    int classes = masks.size();
    int d = probe.weights()[0].length;
    float[] weight = new float[classes * d];
    float[] bias = new float[classes];
    for (int c = 0; c < classes; c++) {
      bias[c] = (float) probe.biases()[c];
      for (int i = 0; i < d; i++) {
        weight[c * d + i] = (float) probe.weights()[c][i];
      }
    }
    Map<String, ArtefactDraft.Tensor> tensors = new LinkedHashMap<>();
    tensors.put("probe.weight", new ArtefactDraft.Tensor(new long[] {classes, d}, weight));
    tensors.put("probe.bias", new ArtefactDraft.Tensor(new long[] {classes}, bias));
    return new ArtefactDraft("rowmask", fields, tensors);
  }
}
