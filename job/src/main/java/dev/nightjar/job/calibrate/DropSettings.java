package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A contiguous block of layers replaced by a linear map: the block by cosine of its input and
 * output (LLM-Streamline, Chen et al., arXiv:2403.19135, section 3), the map by ridge regression in
 * place of the paper's trained layer. Settings are lengths of the block.
 */
record DropSettings() implements SettingSource {
  private static final double RIDGE = 1e-4;

  @Override
  public Proposal propose(Calibration calibration) {
    int layers = calibration.model().layers();
    int wanted = calibration.options().fitting().dropped();
    int most = BlockStats.maxBlock(layers);
    if (wanted > most) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--count is " + wanted + ", expected at most a third of the layers, " + most);
    }
    List<Setting> settings = new ArrayList<>();
    for (int count = wanted > 0 ? wanted : 1; count <= (wanted > 0 ? wanted : most); count++) {
      settings.add(setting(calibration, count));
    }
    return new Proposal(settings, ArtefactDraft.of("full", ArtefactDraft.object()));
  }

  private static Setting setting(Calibration calibration, int count) {
    BlockStats stats = calibration.blocks();
    int d = calibration.model().hiddenSize();
    int first = first(stats, calibration.model().layers(), count);
    double magnitude = Math.max(stats.magnitude(first), stats.magnitude(first + count));
    long tokens = stats.tokens();
    LinearMap map =
        calibration
            .jobs()
            .aggregate(
                calibration.fitting(),
                () -> new RidgeSums(d, magnitude, tokens),
                (sum, states) ->
                    sum.addRow(
                        states.residuals()[first],
                        states.residuals()[first + count],
                        0,
                        states.tokens().length))
            .solve(RIDGE);
    ObjectNode fields = ArtefactDraft.object();
    fields.put("first", first);
    fields.put("count", count);
    fields.put("similarity", stats.blockSimilarity(first, count));
    Map<String, ArtefactDraft.Tensor> tensors = new LinkedHashMap<>();
    tensors.put("map.weight", new ArtefactDraft.Tensor(new long[] {d, d}, map.weight()));
    tensors.put("map.bias", new ArtefactDraft.Tensor(new long[] {d}, map.bias()));
    return Setting.of(
        "drop first=" + first + " count=" + count, new ArtefactDraft("drop", fields, tensors));
  }

  /** Where the block whose input and output are most alike begins; the lowest of equals. */
  private static int first(BlockStats stats, int layers, int count) {
    int best = 0;
    for (int first = 1; first + count <= layers; first++) {
      if (stats.blockSimilarity(first, count) > stats.blockSimilarity(best, count)) {
        best = first;
      }
    }
    return best;
  }
}
