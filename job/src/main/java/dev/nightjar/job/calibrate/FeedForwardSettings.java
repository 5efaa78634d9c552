package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * FFN-SkipLLM: threshold, region and budget for shares of feed-forward sublayers to skip. Settings
 * are a quarter, a half, three quarters and the whole of the share that the user asks for.
 */
record FeedForwardSettings() implements SettingSource {
  private static final double[] PARTS = {0.25, 0.5, 0.75, 1};

  /** Above every cosine: nothing is ever skipped. */
  private static final float NEVER = 2;

  @Override
  public Proposal propose(Calibration calibration) {
    int layers = calibration.model().layers();
    int warmUp = calibration.options().fitting().warmUp();
    List<FeedForwardTrace> traces =
        calibration
            .jobs()
            .trace(calibration.fitting(), (engine, row) -> FeedForwardTrace.of(engine, row));
    List<Setting> settings = new ArrayList<>();
    for (double part : PARTS) {
      double share = part * calibration.options().fitting().skip();
      FeedForwardRuleFit rule = FeedForwardRuleFit.fit(traces, layers, warmUp, share);
      settings.add(Setting.of("ffnskip share=" + share, draft(rule, warmUp, share)));
    }
    FeedForwardRuleFit never =
        FeedForwardRuleFit.play(traces, warmUp, NEVER, 1, Math.max(1, layers - 2), 1);
    return new Proposal(settings, draft(never, warmUp, 0));
  }

  private static ArtefactDraft draft(FeedForwardRuleFit rule, int warmUp, double share) {
    ObjectNode fields = ArtefactDraft.object();
    fields.put("similarity_threshold", rule.threshold());
    fields.put("first_layer", rule.first());
    fields.put("last_layer", rule.last());
    fields.put("budget", rule.budget());
    fields.put("warm_up", warmUp);
    fields.put("wanted_share", share);
    fields.put("simulated_share", rule.skipped());
    return ArtefactDraft.of("ffnskip", fields);
  }
}
