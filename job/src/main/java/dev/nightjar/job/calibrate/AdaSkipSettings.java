package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * AdaSkip's tables (He et al., arXiv:2501.02336): similarity of input and output and the ratio of
 * their norms for every sublayer, over prompts. Settings are numbers of sublayers to skip.
 */
record AdaSkipSettings() implements SettingSource {

  @Override
  public Proposal propose(Calibration calibration) {
    BlockStats stats = calibration.blocks();
    List<Setting> settings = new ArrayList<>();
    int most = Math.max(1, calibration.model().layers());
    for (int skip = 1; skip <= most; skip += Math.max(1, skip / 2)) {
      settings.add(Setting.with("adaskip skip=" + skip, "skip=" + skip, draft(stats, skip)));
    }
    return new Proposal(settings, draft(stats, 0));
  }

  private static ArtefactDraft draft(BlockStats stats, int skip) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("skip", skip);
    put(fields, "attention_similarity", stats.attentionSimilarity());
    put(fields, "feed_forward_similarity", stats.feedForwardSimilarity());
    put(fields, "attention_ratio", stats.attentionRatio());
    put(fields, "feed_forward_ratio", stats.feedForwardRatio());
    return ArtefactDraft.of("adaskip", fields);
  }

  private static void put(ObjectNode fields, String key, double[] values) {
    ArrayNode array = fields.putArray(key);
    for (double value : values) {
      array.add(value);
    }
  }
}
