package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A tensor that is about to be written; {@code shape} is outermost first. */
record TensorDraft(String name, DType dtype, long[] shape, RowSource source) {
  TensorDraft {
    shape = shape.clone();
    int last = shape.length - 1;
    long columns = shape.length == 0 ? 1 : shape[last];
    if (TensorTable.elements(shape) < 0
        || columns > Integer.MAX_VALUE / 8
        || columns % dtype.blockElements() != 0) {
      throw new IllegalArgumentException(
          "tensor " + name + ": shape " + Arrays.toString(shape) + " does not suit " + dtype);
    }
  }

  private int columns() {
    return shape.length == 0 ? 1 : (int) shape[shape.length - 1];
  }

  long byteSize() {
    return dtype.byteSize(TensorTable.elements(shape));
  }

  void write(OutputStream out) throws IOException {
    long elements = TensorTable.elements(shape);
    float[] row = new float[columns()];
    ByteBuffer encoded =
        ByteBuffer.allocate((int) dtype.byteSize(row.length)).order(ByteOrder.LITTLE_ENDIAN);
    TensorEncoder encoder = new TensorEncoder();
    long numRows = elements == 0 ? 0 : elements / row.length;
    for (int i = 0; i < numRows; i++) {
      source.fill(i, row);
      encoded.clear();
      encoder.encode(dtype, row, encoded);
      out.write(encoded.array());
    }
  }
}
