package dev.nightjar.job.calibrate;

import java.io.Serializable;

/**
 * {@code y = W x + b}.
 *
 * @param weight {@code [size, size]} row-major, one row per output
 * @param bias {@code [size]}
 */
record LinearMap(float[] weight, float[] bias) implements Serializable {

  /** Maps {@code rows} vectors of {@code x} from a row on; {@code [rows, size]}. */
  float[] apply(float[] x, int fromRow, int rows) {
    int size = bias.length;
    float[] y = new float[rows * size];
    for (int row = 0; row < rows; row++) {
      int offset = (fromRow + row) * size;
      for (int out = 0; out < size; out++) {
        double sum = bias[out];
        for (int in = 0; in < size; in++) {
          sum += weight[out * size + in] * x[offset + in];
        }
        y[row * size + out] = (float) sum;
      }
    }
    return y;
  }
}
