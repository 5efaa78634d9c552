package dev.nightjar.job.calibrate;

/**
 * One way to run the model that a method proposes.
 *
 * @param label names it in reports, for example {@code threshold=0.95}
 * @param plain a depth specification that needs no artefact and does the same, or null
 * @param options what the specification with an artefact has beside it, or empty, for example
 *     {@code skip=4}
 * @param artefact what is written if this setting is chosen
 */
record Setting(String label, String plain, String options, ArtefactDraft artefact) {

  /** A setting that is all in its artefact. */
  static Setting of(String label, ArtefactDraft artefact) {
    return new Setting(label, null, "", artefact);
  }

  /** A setting that can be run without its artefact. */
  static Setting plain(String label, String spec, ArtefactDraft artefact) {
    return new Setting(label, spec, "", artefact);
  }

  /** A setting that needs options beside its artefact. */
  static Setting with(String label, String options, ArtefactDraft artefact) {
    return new Setting(label, null, options, artefact);
  }

  /** The depth specification with the artefact in a folder. */
  String spec(String folder) {
    String tail = options.isEmpty() ? "" : "," + options;
    return artefact.policy() + ":artefact=" + folder + tail;
  }
}
