package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Kernels that share out the outputs of a product, and the heads and rows of attention, over
 * several cores. Every output is computed by one thread in the canonical order, so results are the
 * same for any number of threads. Meant for few rows: with many, independent decoders use the cores
 * better.
 *
 * <p>There are as many teams of threads as the machine has room for; a caller that finds none free
 * computes alone.
 */
public final class ParallelKernels implements Kernels, AutoCloseable {
  /** Work below this many multiply-adds takes less time than handing it out. */
  private static final long LEAST_MACS = 1 << 18;

  private final Kernels kernels;
  private final Team[] teams;
  private final int size;

  private ParallelKernels(Kernels kernels, int size, int teams) {
    this.kernels = kernels;
    this.size = size;
    this.teams = new Team[teams];
    for (int i = 0; i < teams; i++) {
      this.teams[i] = new Team(size);
    }
  }

  /**
   * The same arithmetic on several cores per caller.
   *
   * @param cores most cores per caller, cut to those of the machine; up to 1 gives {@code kernels}
   *     itself
   */
  public static Kernels of(Kernels kernels, int cores) {
    int available = Runtime.getRuntime().availableProcessors();
    int size = Math.min(cores, available);
    return size <= 1 ? kernels : new ParallelKernels(kernels, size, available / size);
  }

  /** The same with a given number of teams, however many processors there are. */
  public static ParallelKernels withTeams(Kernels kernels, int size, int teams) {
    return new ParallelKernels(kernels, size, teams);
  }

  /** Ends the threads; call it when no caller is left. */
  @Override
  public void close() {
    for (Team team : teams) {
      team.close();
    }
  }

  /** What threads of a team work with; belongs to the scratch of one caller at a time. */
  static final class Shares {
    private final Product product;
    private final Attention attention;

    Shares(Kernels kernels, int size) {
      Scratch[] scratches = new Scratch[size];
      for (int i = 0; i < size; i++) {
        scratches[i] = kernels.newScratch();
      }
      product = new Product(kernels, scratches);
      attention = new Attention(kernels, scratches);
    }
  }

  /** One product in shares. Reused from call to call. */
  private static final class Product implements Team.Work {
    private final Kernels kernels;
    private final Scratch[] scratches;
    private PackedMatrix weights;
    private float[] x;
    private int xStride;
    private int rows;
    private float[] out;
    private int outStride;

    Product(Kernels kernels, Scratch[] scratches) {
      this.kernels = kernels;
      this.scratches = scratches;
    }

    void set(PackedMatrix w, float[] input, int inputStride, int count, float[] output, int width) {
      this.weights = w;
      this.x = input;
      this.xStride = inputStride;
      this.rows = count;
      this.out = output;
      this.outStride = width;
    }

    @Override
    public void run(int share, int shares) {
      PackedMatrix part = weights.share(share, shares);
      if (part == null) {
        return;
      }
      Scratch scratch = scratches[share];
      int width = part.rows();
      int first = weights.firstRow(share, shares);
      float[] own = scratch.shared(rows * width);
      kernels.matmul(part, x, xStride, rows, own, width, scratch);
      for (int row = 0; row < rows; row++) {
        System.arraycopy(own, row * width, out, row * outStride + first, width);
      }
    }
  }

  /** Attention in shares: key/value heads one after the other, and rows inside. Reused, too. */
  private static final class Attention implements Team.Work {
    private final Kernels kernels;
    private final Scratch[] scratches;
    private AttentionShape shape;
    private float[] q;
    private float[] out;
    private int firstRow;
    private int rows;
    private MemorySegment[] pages;
    private int[] from;
    private int[] visible;

    Attention(Kernels kernels, Scratch[] scratches) {
      this.kernels = kernels;
      this.scratches = scratches;
    }

    void set(
        AttentionShape newShape,
        float[] queries,
        float[] output,
        int first,
        int count,
        MemorySegment[] entries,
        int[] begins,
        int[] lengths) {
      this.shape = newShape;
      this.q = queries;
      this.out = output;
      this.firstRow = first;
      this.rows = count;
      this.pages = entries;
      this.from = begins;
      this.visible = lengths;
    }

    @Override
    public void run(int share, int shares) {
      long all = (long) shape.keysValues().kvHeads() * rows;
      int at = (int) (all * share / shares);
      int end = (int) (all * (share + 1) / shares);
      while (at < end) {
        int head = at / rows;
        int row = at % rows;
        int count = Math.min(rows - row, end - at);
        int first = firstRow + row;
        Scratch own = scratches[share];
        kernels.attendHead(shape, head, q, out, first, count, pages, from, visible, own);
        at += count;
      }
    }
  }

  @Override
  public String description() {
    return kernels.description();
  }

  @Override
  public void matmul(
      PackedMatrix w,
      float[] x,
      int xStride,
      int rows,
      float[] out,
      int outStride,
      Scratch scratch) {
    if ((long) w.rows() * w.columns() * rows >= LEAST_MACS) {
      Product product = scratch.shares(kernels, size).product;
      product.set(w, x, xStride, rows, out, outStride);
      if (handedOut(product)) {
        return;
      }
    }
    kernels.matmul(w, x, xStride, rows, out, outStride, scratch);
  }

  private boolean handedOut(Team.Work work) {
    for (Team team : teams) {
      if (team.run(work)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void rmsNorm(
      float[] x,
      int xStride,
      float[] weight,
      float eps,
      int normSize,
      int rows,
      float[] out,
      int outStride) {
    kernels.rmsNorm(x, xStride, weight, eps, normSize, rows, out, outStride);
  }

  @Override
  public void siluMultiply(float[] gate, float[] up, int count) {
    kernels.siluMultiply(gate, up, count);
  }

  @Override
  public void geluMultiply(float[] gate, float[] up, int count) {
    kernels.geluMultiply(gate, up, count);
  }

  @Override
  public void softCap(float[] x, int offset, int count, float cap) {
    kernels.softCap(x, offset, count, cap);
  }

  @Override
  public void silu(float[] x, int count) {
    kernels.silu(x, count);
  }

  @Override
  public void add(float[] acc, int accOffset, float[] x, int xOffset, int count) {
    kernels.add(acc, accOffset, x, xOffset, count);
  }

  @Override
  public void rotate(
      float[] x, int offset, int heads, int headDim, float[] cos, float[] sin, int tableOffset) {
    kernels.rotate(x, offset, heads, headDim, cos, sin, tableOffset);
  }

  @Override
  public void attend(
      AttentionShape shape,
      float[] q,
      float[] out,
      int firstRow,
      int rows,
      MemorySegment[] pages,
      int[] from,
      int[] visible,
      Scratch scratch) {
    int begin = from == null ? 0 : from[firstRow];
    long pairs = (long) rows * (visible[firstRow + rows - 1] - begin);
    if (2 * pairs * shape.queryDim() >= LEAST_MACS) {
      Attention attention = scratch.shares(kernels, size).attention;
      attention.set(shape, q, out, firstRow, rows, pages, from, visible);
      if (handedOut(attention)) {
        return;
      }
    }
    kernels.attend(shape, q, out, firstRow, rows, pages, from, visible, scratch);
  }

  @Override
  public void attendHead(
      AttentionShape shape,
      int kvHead,
      float[] q,
      float[] out,
      int firstRow,
      int rows,
      MemorySegment[] pages,
      int[] from,
      int[] visible,
      Scratch scratch) {
    kernels.attendHead(shape, kvHead, q, out, firstRow, rows, pages, from, visible, scratch);
  }

  @Override
  public int argmax(float[] x, int offset, int count) {
    return kernels.argmax(x, offset, count);
  }

  @Override
  public float logSumExp(float[] x, int offset, int count) {
    return kernels.logSumExp(x, offset, count);
  }
}
