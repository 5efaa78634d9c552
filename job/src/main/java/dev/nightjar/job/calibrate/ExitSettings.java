package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Exits with one threshold of the head's largest probability (CALM, arXiv:2207.07061; LITE). Exits
 * are chosen on traces of the fitting rows; thresholds are tested from the strictest on. With a
 * lens, the head reads {@code A x + b} there, the ridge regression of the last layer's residual on
 * the exit's.
 */
record ExitSettings(boolean lens) implements SettingSource {
  private static final double[] THRESHOLDS = {
    0.9999, 0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5
  };

  /** Above every probability: nothing ever exits. */
  private static final double NEVER = 2;

  private static final double RIDGE = 1e-4;

  @Override
  public Proposal propose(Calibration calibration) {
    ModelFacts model = calibration.model();
    int[] exits = candidates(calibration);
    Map<Integer, LinearMap> maps = lens ? maps(calibration, exits) : Map.of();
    TreeMap<Integer, LinearMap> known = new TreeMap<>(maps);
    List<ExitTrace> traces =
        calibration
            .jobs()
            .trace(calibration.fitting(), (engine, row) -> ExitTrace.of(engine, row, exits, known));
    long lensMacs = lens ? (long) model.hiddenSize() * model.hiddenSize() : 0;
    ExitSimulation simulation =
        new ExitSimulation(model, exits, traces, model.headMacs() + lensMacs);
    BitSet used = new BitSet();
    if (calibration.options().fitting().exits().isEmpty()) {
      used = simulation.bestExits(THRESHOLDS, calibration.options().tolerance());
    } else {
      used.set(0, exits.length);
    }
    List<Integer> layers = used.stream().mapToObj(e -> exits[e]).toList();
    List<Setting> settings = new ArrayList<>();
    for (double threshold : THRESHOLDS) {
      ExitSimulation.Outcome outcome = simulation.play(used, threshold);
      boolean last = threshold == THRESHOLDS[THRESHOLDS.length - 1];
      if (outcome.exited() > 0 || (last && settings.isEmpty())) {
        settings.add(setting(draft(layers, threshold, known, outcome), layers, threshold));
      }
    }
    return new Proposal(settings, draft(layers, NEVER, known, simulation.play(used, NEVER)));
  }

  private Setting setting(ArtefactDraft draft, List<Integer> layers, double threshold) {
    String label = (lens ? "lens" : "exit") + " threshold=" + threshold;
    if (lens) {
      return Setting.of(label, draft);
    }
    String joined = layers.stream().map(String::valueOf).collect(Collectors.joining("+"));
    return Setting.plain(
        label, "exit:confidence=top1,layers=" + joined + ",threshold=" + threshold, draft);
  }

  /** Exits that the user names, else all layers, or with a lens about six of the upper ones. */
  private int[] candidates(Calibration calibration) {
    int layers = calibration.model().layers();
    TreeSet<Integer> exits = given(calibration);
    if (exits.isEmpty()) {
      int every = lens ? Math.max(1, layers / 6) : 1;
      for (int layer = lens ? Math.max(1, layers / 3) : 1; layer < layers; layer += every) {
        exits.add(layer);
      }
    }
    if (exits.isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL, "the model has one layer; there is nothing to exit from");
    }
    return exits.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Exits that the user names, if any; checked. */
  static TreeSet<Integer> given(Calibration calibration) {
    int layers = calibration.model().layers();
    TreeSet<Integer> exits = new TreeSet<>(calibration.options().fitting().exits());
    if (!exits.isEmpty() && (exits.first() < 1 || exits.last() >= layers)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--exits is " + exits + ", expected numbers of layers in [1, " + (layers - 1) + "]");
    }
    return exits;
  }

  private static Map<Integer, LinearMap> maps(Calibration calibration, int[] exits) {
    Map<Integer, LinearMap> maps = new LinkedHashMap<>();
    int layers = calibration.model().layers();
    int d = calibration.model().hiddenSize();
    BlockStats blocks = calibration.blocks();
    long tokens = blocks.tokens();
    for (int exit : exits) {
      double magnitude = Math.max(blocks.magnitude(exit), blocks.magnitude(layers));
      RidgeSums sums =
          calibration
              .jobs()
              .aggregate(
                  calibration.fitting(),
                  () -> new RidgeSums(d, magnitude, tokens),
                  (sum, states) ->
                      sum.addRow(
                          states.residuals()[exit],
                          states.residuals()[layers],
                          Math.min(1, states.tokens().length - 1),
                          states.tokens().length));
      maps.put(exit, sums.solve(RIDGE));
    }
    return maps;
  }

  private ArtefactDraft draft(
      List<Integer> layers,
      double threshold,
      Map<Integer, LinearMap> maps,
      ExitSimulation.Outcome outcome) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("measure", "top1");
    if (lens) {
      fields.put("lens", true);
    }
    ArrayNode exits = fields.putArray("exits");
    Map<String, ArtefactDraft.Tensor> tensors = new LinkedHashMap<>();
    for (int layer : layers) {
      exits.addObject().put("layer", layer).put("threshold", threshold);
      LinearMap map = maps.get(layer);
      if (map != null) {
        long d = map.bias().length;
        String prefix = "exits." + layer + ".lens.";
        tensors.put(prefix + "weight", new ArtefactDraft.Tensor(new long[] {d, d}, map.weight()));
        tensors.put(prefix + "bias", new ArtefactDraft.Tensor(new long[] {d}, map.bias()));
      }
    }
    fields
        .putObject("simulated")
        .put("exited", outcome.exited())
        .put("disagreement", outcome.disagreement());
    return new ArtefactDraft("exit", fields, tensors);
  }
}
