package dev.nightjar.job.calibrate;

/** Fits a method to the fitting rows. */
interface SettingSource {

  /** Proposes settings; nothing of it may depend on the held-out rows. */
  Proposal propose(Calibration calibration);

  /**
   * What a method proposes.
   *
   * @param settings in the order in which they are tested, from the safest on; at least one
   * @param safe the artefact when none of them passes, which never skips anything
   */
  record Proposal(java.util.List<Setting> settings, ArtefactDraft safe) {
    public Proposal {
      settings = java.util.List.copyOf(settings);
    }
  }
}
