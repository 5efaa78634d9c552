package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.PackedMatrix;
import java.lang.foreign.Arena;

/** Where the packed matrices of a model come from, asked for once each in a fixed order. */
interface MatrixSupply {

  /** Packs one matrix. */
  interface Packing {
    /** The matrix in memory of {@code arena}. */
    PackedMatrix into(Arena arena);
  }

  /**
   * A matrix of the model.
   *
   * @param packing makes it from the model's tensors, for a supply that has not got it
   */
  PackedMatrix matrix(MatrixShape shape, Packing packing);

  /** Packs every matrix into memory of its own. */
  static MatrixSupply packedInto(Arena arena) {
    return (shape, packing) -> packing.into(arena);
  }
}
