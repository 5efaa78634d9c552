package dev.nightjar.job.ledger;

import java.util.List;

/**
 * A committed chunk.
 *
 * @param id unique in the ledger; names of the chunk's files begin with it
 * @param kind {@code rows}, {@code duplicates} or {@code withdrawn}
 * @param rows rows in the table by this chunk
 * @param files paths below the table, empty where the table's format keeps its own log
 */
public record ChunkRecord(
    String id,
    String kind,
    String runId,
    String fingerprint,
    long rows,
    List<String> files,
    String committedAt) {
  public ChunkRecord {
    files = List.copyOf(files);
  }
}
