package dev.nightjar.engine.model;

/** Plain sums over one row in double precision, in index order: not for inner loops of layers. */
final class RowMath {
  private RowMath() {}

  /** Cosine of two vectors; 0 when one of them is zero. */
  static double cosine(float[] a, int aOffset, float[] b, int bOffset, int count) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < count; i++) {
      double x = a[aOffset + i];
      double y = b[bOffset + i];
      dot += x * y;
      aa += x * x;
      bb += y * y;
    }
    return aa == 0 || bb == 0 ? 0 : dot / Math.sqrt(aa * bb);
  }

  /** Euclidean norm. */
  static double norm(float[] a, int offset, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += (double) a[offset + i] * a[offset + i];
    }
    return Math.sqrt(sum);
  }
}
