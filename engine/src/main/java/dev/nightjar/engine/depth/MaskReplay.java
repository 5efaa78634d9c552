package dev.nightjar.engine.depth;

import java.util.BitSet;
import java.util.List;

/**
 * Replays recorded decisions of one row: slot at position p runs the layers in {@code
 * masks.get(p)}; later positions run all.
 */
public record MaskReplay(List<BitSet> masks) implements DepthPolicy {
  public MaskReplay {
    masks = List.copyOf(masks);
  }

  @Override
  public String spec() {
    return "replay";
  }

  @Override
  public boolean schedules() {
    return true;
  }

  @Override
  public boolean runs(int layer, int position, boolean prompt, long rowHash) {
    return position >= masks.size() || masks.get(position).get(layer);
  }
}
