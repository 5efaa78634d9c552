package dev.nightjar.udfs;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which layers the tokens of a run ran, by position, and its most telling rows; of the same size
 * however many rows there were. Counts what the result table does not keep: the table has the sums
 * of each row only.
 *
 * @param numLayers layers of the model; 0 if there was no row
 * @param rows rows that ran to their end
 * @param prompt prompt slots but the last, which produces the answer's first token
 * @param completion slots that produced a token, by the token's number in the answer
 * @param slowest rows that took the most time, the slowest first
 * @param shallowest rows that ran the fewest layers per token, the shallowest first
 */
public record RunProfile(
    int numLayers,
    long rows,
    PositionProfile prompt,
    PositionProfile completion,
    List<RowDepth> slowest,
    List<RowDepth> shallowest)
    implements Serializable {
  /** Of no row. */
  public static final RunProfile NONE =
      new RunProfile(0, 0, PositionProfile.NONE, PositionProfile.NONE, List.of(), List.of());

  /** Rows that are kept of each kind. */
  static final int KEPT = 5;

  /** The slowest first. */
  static final Comparator<RowDepth> BY_TIME =
      Comparator.comparingDouble(RowDepth::cpuMillis).reversed().thenComparing(RowDepth::key);

  /** The shallowest first. */
  static final Comparator<RowDepth> BY_DEPTH =
      Comparator.comparingDouble(RowDepth::meanLayers).thenComparing(RowDepth::key);

  public RunProfile {
    slowest = List.copyOf(slowest);
    shallowest = List.copyOf(shallowest);
  }

  /** The rows of both. */
  public RunProfile plus(RunProfile other) {
    return new RunProfile(
        Math.max(numLayers, other.numLayers),
        rows + other.rows,
        prompt.plus(other.prompt),
        completion.plus(other.completion),
        first(slowest, other.slowest, BY_TIME),
        first(shallowest, other.shallowest, BY_DEPTH));
  }

  /** The same without the texts of rows. */
  public RunProfile withoutTexts() {
    return new RunProfile(numLayers, rows, prompt, completion, bare(slowest), bare(shallowest));
  }

  private static List<RowDepth> bare(List<RowDepth> rows) {
    return rows.stream().map(RowDepth::withoutTokens).toList();
  }

  private static List<RowDepth> first(
      List<RowDepth> one, List<RowDepth> other, Comparator<RowDepth> order) {
    List<RowDepth> all = new ArrayList<>(one);
    all.addAll(other);
    all.sort(order);
    return all.subList(0, Math.min(KEPT, all.size()));
  }
}
