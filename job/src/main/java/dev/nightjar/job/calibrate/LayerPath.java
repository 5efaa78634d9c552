package dev.nightjar.job.calibrate;

import java.util.Arrays;

/**
 * How often each layer runs for a row: 0 skips it, 1 executes it, 2 repeats it once.
 *
 * @param times {@code [layers]}
 */
record LayerPath(byte[] times) implements Comparable<LayerPath> {

  /** Every layer once. */
  static LayerPath full(int layers) {
    byte[] times = new byte[layers];
    Arrays.fill(times, (byte) 1);
    return new LayerPath(times);
  }

  /** The same but for one layer. */
  LayerPath with(int layer, int count) {
    byte[] copy = times.clone();
    copy[layer] = (byte) count;
    return new LayerPath(copy);
  }

  /** Layers run, repeats counted. */
  int length() {
    int length = 0;
    for (byte count : times) {
      length += count;
    }
    return length;
  }

  /** A depth specification that runs this path. */
  String spec() {
    StringBuilder list = new StringBuilder();
    boolean repeats = false;
    for (int layer = 0; layer < times.length; layer++) {
      for (int i = 0; i < times[layer]; i++) {
        list.append(list.isEmpty() ? "" : "+").append(layer);
      }
      repeats |= times[layer] > 1;
    }
    return (repeats ? "path:layers=" : "static:keep=") + list;
  }

  /** Shorter paths first, then by layers. */
  @Override
  public int compareTo(LayerPath other) {
    int byLength = Integer.compare(length(), other.length());
    return byLength != 0 ? byLength : Arrays.compare(times, other.times);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerPath path && Arrays.equals(times, path.times);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(times);
  }
}
