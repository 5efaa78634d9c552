package dev.nightjar.job.calibrate;

import java.util.Locale;

/** What {@code nightjar calibrate} can fit. */
enum CalibrationMethod {
  /** The cheap ones, of which the best within the tolerance is kept. */
  AUTO(new AutoSettings()),
  /** Sublayers by similarity of input and output (AdaSkip). */
  ADASKIP(new AdaSkipSettings()),
  /** Exit thresholds at the head's confidence (CALM, LITE). */
  EXIT(new ExitSettings(false)),
  /** The same behind a linear map of the residual to the last layer's. */
  LENS(new ExitSettings(true)),
  /** Feed-forward skipping after saturation (FFN-SkipLLM). */
  FFNSKIP(new FeedForwardSettings()),
  /** Gates fitted to recorded residuals. */
  GATES(new GateSettings()),
  /** A block of layers replaced by a linear map (LLM-Streamline). */
  DROP(new DropSettings()),
  /** One of several nested layer masks per row, chosen by a probe of the prompt. */
  ROWMASK(new RowMaskSettings()),
  /** Exit of the whole row at the last prompt token (AdaInfer). */
  ADAINFER(new AdaInferSettings()),
  /** Reading by sentences, ever deeper, until a classifier is sure of a label (2D early exit). */
  READING("2d", new ReadingSettings()),
  /** Stop, exit or continue per generated token, by a linear controller (Sun et al.). */
  SEC(new StopExitSettings()),
  /** Skip, execute or repeat per layer and row, by routers of the prompt (Dr.LLM). */
  DRLLM(new RouterSettings());

  private final String label;
  private final SettingSource source;

  CalibrationMethod(SettingSource source) {
    this.label = name().toLowerCase(Locale.ROOT);
    this.source = source;
  }

  CalibrationMethod(String label, SettingSource source) {
    this.label = label;
    this.source = source;
  }

  /** Proposes settings of this method. */
  SettingSource source() {
    return source;
  }

  /** The name on the command line. */
  @Override
  public String toString() {
    return label;
  }
}
