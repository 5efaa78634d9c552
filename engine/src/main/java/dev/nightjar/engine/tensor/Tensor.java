package dev.nightjar.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A read-only tensor over mapped memory, little-endian, row-major, outermost dimension first.
 *
 * @param shape outermost first, so a linear layer's weight is {@code [out, in]}
 * @param data exactly {@code dtype.byteSize(elements)} bytes; blocks of quantised types run along
 *     the innermost dimension
 */
public record Tensor(String name, DType dtype, long[] shape, MemorySegment data) {

  /** Product of the dimensions. */
  public long elements() {
    long n = 1;
    for (long d : shape) {
      n *= d;
    }
    return n;
  }

  /** Size of the innermost dimension; 1 for a scalar. */
  public int columns() {
    return shape.length == 0 ? 1 : Math.toIntExact(shape[shape.length - 1]);
  }

  /** Product of all dimensions but the innermost; 0 for a tensor without elements. */
  public int rows() {
    long elements = elements();
    return elements == 0 ? 0 : Math.toIntExact(elements / columns());
  }

  /** Consecutive rows as a matrix of their own; nothing is copied. */
  public Tensor slice(int firstRow, int count) {
    long rowBytes = dtype.byteSize(columns());
    MemorySegment part = data.asSlice(firstRow * rowBytes, count * rowBytes);
    return new Tensor(name, dtype, new long[] {count, columns()}, part);
  }

  /**
   * Converts one row to fp32; exact for every type (a quantised value is {@code scale * q} rounded
   * once to fp32).
   *
   * @param out {@code [>= outOffset + columns()]}
   */
  public void readRow(int row, float[] out, int outOffset) {
    int columns = columns();
    long rowBytes = dtype.byteSize(columns);
    dtype.toFloats(data, row * rowBytes, columns, out, outOffset);
  }

  @Override
  public String toString() {
    return name + " " + dtype + Arrays.toString(shape);
  }
}
