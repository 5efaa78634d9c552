package dev.nightjar.udfs;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Which layers slots ran, by their position: the positions 0, 1, 2 to 3, 4 to 7, and so on share a
 * bucket each. Slots that another row computed are not in it.
 *
 * @param slots by bucket
 * @param executions by bucket and layer: slots that ran it
 * @param depths slots by the number of layers that they ran, from 0 up
 */
public record PositionProfile(List<Long> slots, List<List<Long>> executions, List<Long> depths)
    implements Serializable {
  /** Of no slot. */
  public static final PositionProfile NONE = new PositionProfile(List.of(), List.of(), List.of());

  public PositionProfile {
    slots = List.copyOf(slots);
    executions = executions.stream().map(List::copyOf).toList();
    depths = List.copyOf(depths);
  }

  /** The bucket of a position from 0 up. */
  static int bucket(int position) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(position);
  }

  /** The first position of a bucket. */
  public static int firstPosition(int bucket) {
    return bucket == 0 ? 0 : 1 << (bucket - 1);
  }

  /** All slots. */
  public long total() {
    return sum(slots);
  }

  /** Cells that ran. */
  public long cellsExecuted() {
    return executions.stream().mapToLong(PositionProfile::sum).sum();
  }

  private static long sum(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).sum();
  }

  /** The slots of both. */
  PositionProfile plus(PositionProfile other) {
    List<List<Long>> both = new ArrayList<>();
    for (int i = 0; i < Math.max(executions.size(), other.executions.size()); i++) {
      both.add(sum(at(executions, i), at(other.executions, i)));
    }
    return new PositionProfile(sum(slots, other.slots), both, sum(depths, other.depths));
  }

  private static List<Long> at(List<List<Long>> rows, int index) {
    return index < rows.size() ? rows.get(index) : List.of();
  }

  private static List<Long> sum(List<Long> one, List<Long> other) {
    List<Long> sums = new ArrayList<>(Collections.nCopies(Math.max(one.size(), other.size()), 0L));
    for (int i = 0; i < sums.size(); i++) {
      sums.set(i, (i < one.size() ? one.get(i) : 0) + (i < other.size() ? other.get(i) : 0));
    }
    return sums;
  }
}
