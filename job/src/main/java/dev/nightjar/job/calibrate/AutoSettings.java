package dev.nightjar.job.calibrate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The cheap methods together. Every setting is run on the fitting rows; those that are not worse
 * than another one in both risk and operations make the sequence that is then tested on the
 * held-out rows, from the smallest risk on. As the order comes from other rows than the test, the
 * test keeps its level (Pareto Testing, Laufer-Goldshtein et al., arXiv:2210.07913).
 */
record AutoSettings() implements SettingSource {
  /** A setting with its trial on the fitting rows. */
  private record Tried(Setting setting, Trial trial) {}

  private static List<SettingSource> cheap() {
    return List.of(
        new AdaSkipSettings(),
        new ExitSettings(false),
        new FeedForwardSettings(),
        new GateSettings(),
        new RowMaskSettings());
  }

  @Override
  public Proposal propose(Calibration calibration) {
    List<Tried> tried = new ArrayList<>();
    for (SettingSource source : cheap()) {
      for (Setting setting : source.propose(calibration).settings()) {
        Trial trial = calibration.run(setting, calibration.fitting());
        tried.add(new Tried(setting, trial));
        if (trial.risk() > 4 * calibration.options().tolerance()) {
          break;
        }
      }
    }
    tried.sort(
        Comparator.<Tried>comparingDouble(each -> each.trial().lossSum())
            .thenComparingDouble(each -> each.trial().flops()));
    List<Setting> front = new ArrayList<>();
    double cheapest = Double.POSITIVE_INFINITY;
    for (Tried each : tried) {
      if (each.trial().computeSaved() > 0 && each.trial().flops() < cheapest) {
        cheapest = each.trial().flops();
        front.add(each.setting());
      }
    }
    return new Proposal(front, ArtefactDraft.of("full", ArtefactDraft.object()));
  }
}
