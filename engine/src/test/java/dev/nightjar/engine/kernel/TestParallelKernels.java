package dev.nightjar.engine.kernel;

import static dev.nightjar.engine.kernel.KernelFixtures.assertSameBits;
import static dev.nightjar.engine.kernel.KernelFixtures.gaussian;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products and attention on several threads against those on one, bit for bit. */
class TestParallelKernels {
  private final Kernels alone = Kernels.best();

  @ParameterizedTest
  @EnumSource(DType.class)
  void sameBytesForEveryNumberOfThreads(DType dtype) {
    Random random = new Random(3);
    for (int outputs : new int[] {1, 63, 64, 65, 127, 128, 129, 320, 500, 1000}) {
      int inputs = 4096;
      for (int rows : new int[] {1, 2, 7}) {
        try (Arena arena = Arena.ofShared()) {
          PackedMatrix w =
              PackedMatrix.pack(KernelFixtures.tensor(random, dtype, outputs, inputs), arena);
          float[] x = gaussian(random, rows * inputs);
          float[] expected = product(alone, w, x, rows);
          for (int size = 2; size <= 5; size++) {
            try (ParallelKernels parallel = ParallelKernels.withTeams(alone, size, 1)) {
              String what = dtype + " " + outputs + " outputs, " + rows + " rows, " + size;
              assertSameBits(product(parallel, w, x, rows), expected, what);
            }
          }
        }
      }
    }
  }

  /** With a float of margin on either side of each row, which must stay. */
  private static float[] product(Kernels kernels, PackedMatrix w, float[] x, int rows) {
    int stride = w.rows() + 2;
    float[] out = new float[rows * stride];
    Arrays.fill(out, 77f);
    kernels.matmul(w, x, w.columns(), rows, out, 1, stride, kernels.newScratch());
    for (int row = 0; row < rows; row++) {
      assertThat(out[row * stride]).isEqualTo(77f);
      assertThat(out[row * stride + w.rows() + 1]).isEqualTo(77f);
    }
    return out;
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void attentionIsTheSameForEveryNumberOfThreads(KvType type) {
    Random random = new Random(4);
    for (int kvHeads : new int[] {1, 2, 3}) {
      AttentionShape shape = new AttentionShape(new KvLayout(type, kvHeads, 64), 3, 0.125f);
      for (int[] rows : new int[][] {{1}, {50}, {1, 1, 1, 1, 1}, {2, 70, 1, 7}}) {
        for (int window : new int[] {0, 100}) {
          Attended attended = new Attended(random, shape, rows, window);
          float[] expected = attended.oneByOne(alone);
          assertSameBits(attended.together(alone), expected, "together");
          for (int size = 2; size <= 5; size++) {
            try (ParallelKernels parallel = ParallelKernels.withTeams(alone, size, 1)) {
              String what = type + " " + kvHeads + " heads, " + Arrays.toString(rows) + ", " + size;
              assertSameBits(attended.together(parallel), expected, what);
            }
          }
        }
      }
    }
  }

  /** Sequences of some hundred entries whose last rows attend. Row 0 and one behind must stay. */
  private static final class Attended {
    private final AttentionShape shape;
    private final int[] rows;
    private final MemorySegment[][] pages;
    private final float[] q;
    private final int[] from;
    private final int[] visible;

    Attended(Random random, AttentionShape shape, int[] rows, int window) {
      this.shape = shape;
      this.rows = rows;
      int all = 1 + Arrays.stream(rows).sum();
      pages = new MemorySegment[rows.length][];
      q = gaussian(random, all * shape.queryDim());
      from = window == 0 ? null : new int[all];
      visible = new int[all];
      int row = 1;
      for (int run = 0; run < rows.length; run++) {
        int entries = rows[run] + random.nextInt(1200);
        pages[run] = KernelFixtures.pages(random, shape.keysValues(), entries);
        for (int i = 1; i <= rows[run]; i++) {
          visible[row] = entries - rows[run] + i;
          if (window > 0) {
            from[row] = Math.max(0, visible[row] - window);
          }
          row++;
        }
      }
    }

    float[] oneByOne(Kernels kernels) {
      float[] out = KernelFixtures.guarded(q.length + shape.queryDim());
      int row = 1;
      for (int run = 0; run < rows.length; run++) {
        for (int i = 0; i < rows[run]; i++) {
          kernels.attend(shape, q, out, row++, 1, pages[run], from, visible, kernels.newScratch());
        }
      }
      return out;
    }

    float[] together(Kernels kernels) {
      float[] out = KernelFixtures.guarded(q.length + shape.queryDim());
      AttentionRuns runs = new AttentionRuns();
      runs.add(shape, pages[0], 7, 9);
      runs.clear();
      int row = 1;
      for (int run = 0; run < rows.length; run++) {
        runs.add(shape, pages[run], row, rows[run]);
        row += rows[run];
      }
      kernels.attend(runs, q, out, from, visible, kernels.newScratch());
      return out;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void sharesCoverAllRowsOnce(int shares) {
    Random random = new Random(5);
    for (int rows : new int[] {1, 64, 65, 200, 1000}) {
      try (Arena arena = Arena.ofShared()) {
        PackedMatrix w =
            PackedMatrix.pack(KernelFixtures.tensor(random, DType.Q8_0, rows, 64), arena);
        int next = 0;
        float[] expected = new float[64];
        float[] found = new float[64];
        for (int share = 0; share < shares; share++) {
          PackedMatrix part = w.share(share, shares);
          assertThat(w.firstRow(share, shares)).isEqualTo(next);
          for (int row = 0; part != null && row < part.rows(); row++) {
            w.readRow(next++, expected, 0);
            part.readRow(row, found, 0);
            assertSameBits(found, expected, rows + " rows, row " + next);
          }
        }
        assertThat(next).isEqualTo(rows);
      }
    }
  }

  @Test
  void callersAtTheSameTimeGetTheirOwnResults() throws ExecutionException, InterruptedException {
    Random random = new Random(9);
    try (Arena arena = Arena.ofShared();
        ParallelKernels parallel = ParallelKernels.withTeams(alone, 2, 2);
        ExecutorService pool = Executors.newFixedThreadPool(3)) {
      PackedMatrix w =
          PackedMatrix.pack(KernelFixtures.tensor(random, DType.Q8_0, 512, 1024), arena);
      List<Future<Boolean>> futures = new ArrayList<>();
      for (int caller = 0; caller < 3; caller++) {
        float[] x = gaussian(random, 2 * 1024);
        float[] expected = product(alone, w, x, 2);
        futures.add(
            pool.submit(() -> {
              for (int i = 0; i < 300; i++) {
                if (!Arrays.equals(product(parallel, w, x, 2), expected)) {
                  return false;
                }
              }
              return true;
            }));
      }
      for (Future<Boolean> future : futures) {
        assertThat(future.get()).isTrue();
      }
    }
  }

  @Test
  void oneCoreNeedsNoTeam() {
    assertThat(ParallelKernels.of(alone, 0)).isSameAs(alone);
    assertThat(ParallelKernels.of(alone, 1)).isSameAs(alone);
  }
}
