package dev.nightjar.engine.kernel;

import jdk.incubator.vector.VectorShape;

/**
 * What this machine and JVM offer; apart from {@link Lanes}, which is fixed by the first look at
 * it.
 */
final class VectorWidth {
  private VectorWidth() {}

  /** Bits of the widest vectors; below 128 there are none worth using. */
  static int widestBits() {
    return VectorShape.preferredShape().vectorBitSize();
  }
}
