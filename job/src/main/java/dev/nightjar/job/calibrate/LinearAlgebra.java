package dev.nightjar.job.calibrate;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.decomposition.chol.CholeskyDecompositionInner_DDRM;
import org.ejml.dense.row.linsol.chol.LinearSolverChol_DDRM;

/** Solves symmetric positive definite systems, on one thread, with the same bits every time. */
final class LinearAlgebra {
  private LinearAlgebra() {}

  /** A factorised matrix. */
  static final class Factor {
    private final LinearSolverChol_DDRM solver;
    private final int size;

    private Factor(LinearSolverChol_DDRM solver, int size) {
      this.solver = solver;
      this.size = size;
    }

    /**
     * Solves for several right-hand sides.
     *
     * @param b {@code [size, columns]} row-major
     * @return {@code [size, columns]} row-major
     */
    double[] solve(double[] b, int columns) {
      DMatrixRMaj x = new DMatrixRMaj(size, columns);
      solver.solve(DMatrixRMaj.wrap(size, columns, b.clone()), x);
      return x.data;
    }
  }

  /**
   * Factorises a matrix; a ridge is added to the diagonal, and raised until the matrix is positive
   * definite.
   *
   * @param a {@code [size, size]} symmetric
   * @param ridge above 0
   */
  static Factor factor(double[] a, int size, double ridge) {
    for (double lambda = ridge; lambda < Double.MAX_VALUE; lambda *= 10) {
      DMatrixRMaj matrix = DMatrixRMaj.wrap(size, size, a.clone());
      for (int i = 0; i < size; i++) {
        matrix.add(i, i, lambda);
      }
      LinearSolverChol_DDRM solver =
          new LinearSolverChol_DDRM(new CholeskyDecompositionInner_DDRM(true));
      if (solver.setA(matrix)) {
        return new Factor(solver, size);
      }
    }
    throw new ArithmeticException("a matrix of " + size + " rows has entries that are not finite");
  }
}
