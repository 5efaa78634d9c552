package dev.nightjar.engine.kernel;

import java.util.Arrays;

/**
 * Matrices that the same rows are multiplied with, such as those of queries, keys and values: the
 * rows are prepared and handed to other threads once. Reused from call to call; for one thread that
 * changes it, and any number that read while nothing changes.
 */
public final class Products {
  private PackedMatrix[] matrices = new PackedMatrix[4];
  private float[][] outs = new float[4][];
  private int[] outOffsets = new int[4];
  private int[] outStrides = new int[4];
  private int size;

  /** Forgets all matrices. */
  public void clear() {
    Arrays.fill(matrices, 0, size, null);
    Arrays.fill(outs, 0, size, null);
    size = 0;
  }

  /**
   * Adds a matrix, with as many columns as the others.
   *
   * @param out {@code [rows, w.rows()]}, for no other of them
   */
  public void add(PackedMatrix w, float[] out) {
    add(w, out, 0, w.rows());
  }

  /** The same with outputs that begin at {@code outOffset} and have a row stride. */
  void add(PackedMatrix w, float[] out, int outOffset, int outStride) {
    if (size > 0 && w.columns() != matrices[0].columns()) {
      throw new IllegalArgumentException(
          "found %d columns beside %d, expected as many"
              .formatted(w.columns(), matrices[0].columns()));
    }
    if (size == matrices.length) {
      matrices = Arrays.copyOf(matrices, 2 * size);
      outs = Arrays.copyOf(outs, 2 * size);
      outOffsets = Arrays.copyOf(outOffsets, 2 * size);
      outStrides = Arrays.copyOf(outStrides, 2 * size);
    }
    matrices[size] = w;
    outs[size] = out;
    outOffsets[size] = outOffset;
    outStrides[size] = outStride;
    size++;
  }

  int size() {
    return size;
  }

  PackedMatrix matrix(int i) {
    return matrices[i];
  }

  float[] out(int i) {
    return outs[i];
  }

  int outOffset(int i) {
    return outOffsets[i];
  }

  int outStride(int i) {
    return outStrides[i];
  }

  /** Multiply-adds for one row. */
  long products() {
    long products = 0;
    for (int i = 0; i < size; i++) {
      products += (long) matrices[i].rows() * matrices[i].columns();
    }
    return products;
  }

  /** What one of several threads computes of them: some outputs of each. */
  void share(int share, int shares, Products part) {
    part.clear();
    for (int i = 0; i < size; i++) {
      PackedMatrix w = matrices[i].share(share, shares);
      if (w != null) {
        part.add(w, outs[i], outOffsets[i] + matrices[i].firstRow(share, shares), outStrides[i]);
      }
    }
  }
}
