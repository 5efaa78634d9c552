package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.tensor.DType;

/**
 * A weight matrix of a model before it is packed.
 *
 * @param name unique within the model
 * @param dtype the type it is packed in
 */
record MatrixShape(String name, DType dtype, int rows, int columns) {

  /** Bytes of the packed matrix. */
  long byteSize() {
    return PackedMatrix.byteSize(dtype, rows, columns);
  }
}
