package dev.nightjar.job.bench;

/** A part of the benchmark. */
interface Section {
  /** The word that users ask for it with, and its key in the JSON object. */
  String name();

  /**
   * Measures and reports.
   *
   * @throws dev.nightjar.engine.api.EngineException when what the user asked for cannot be had
   */
  void run(BenchSettings settings, BenchReport report);
}
