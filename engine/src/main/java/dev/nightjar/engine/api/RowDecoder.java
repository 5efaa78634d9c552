package dev.nightjar.engine.api;

import java.time.Duration;
import java.util.Iterator;

/**
 * A running decoder over a stream of rows: results come in input order, one per request; a row that
 * cannot run yields a result with an error. Confined to one thread, except {@link #cancel()}.
 */
public interface RowDecoder extends Iterator<GenerationResult>, AutoCloseable {
  /**
   * Ends the decoding after the current step; {@link #hasNext()} is false from then on. Safe from
   * any thread.
   */
  void cancel();

  /**
   * Ends rows that run longer with {@link ErrorCode#TIME_LIMIT}, after the step in which they do;
   * zero is no limit.
   */
  void limitRows(Duration limit);

  /**
   * The layers that the row {@link #next} returned last has run, slot by slot; null if it did not
   * run to its end, or this decoder keeps no traces.
   */
  RowTrace lastTrace();

  /** Rows in flight now. */
  int runningRows();

  /** Most rows held at any time, finished ones that wait for an earlier row included. */
  int window();

  /** Ends the decoding and gives its memory back; {@link #hasNext()} is false from then on. */
  @Override
  void close();
}
