package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Kernels that share out the outputs of a product, and the heads and rows of attention, over
 * several cores. Every output is computed by one thread in the canonical order, so results are the
 * same for any number of threads. Meant for few rows, or weights so large that cores should not
 * each read all of them: otherwise independent decoders use the cores better.
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

  /** Products of the same rows, each share some outputs of each. Reused from call to call. */
  private static final class Product implements Team.Work {
    private final Kernels kernels;
    private final Scratch[] scratches;
    private final Products[] parts;
    private Products products;
    private float[] x;
    private int xStride;
    private int rows;

    Product(Kernels kernels, Scratch[] scratches) {
      this.kernels = kernels;
      this.scratches = scratches;
      this.parts = new Products[scratches.length];
      Arrays.setAll(parts, i -> new Products());
    }

    void set(Products all, float[] input, int inputStride, int count) {
      this.products = all;
      this.x = input;
      this.xStride = inputStride;
      this.rows = count;
    }

    @Override
    public void run(int share, int shares) {
      Products part = parts[share];
      products.share(share, shares, part);
      kernels.matmul(part, x, xStride, rows, scratches[share]);
    }
  }

  /**
   * Attention of all runs: whoever is free takes the next part, as they take unequal times. Reused,
   * too.
   */
  private static final class Attention implements Team.Work {
    private final Kernels kernels;
    private final Scratch[] scratches;
    private final AtomicInteger next = new AtomicInteger();
    private AttentionRuns runs;
    private float[] q;
    private float[] out;
    private int[] from;
    private int[] visible;

    Attention(Kernels kernels, Scratch[] scratches) {
      this.kernels = kernels;
      this.scratches = scratches;
    }

    void set(AttentionRuns all, float[] queries, float[] output, int[] begins, int[] lengths) {
      this.runs = all;
      this.q = queries;
      this.out = output;
      this.from = begins;
      this.visible = lengths;
      next.set(0);
    }

    @Override
    public void run(int share, int shares) {
      int part = next.getAndIncrement();
      int before = 0;
      for (int run = 0; run < runs.size(); run++) {
        int parts = runs.parts(run);
        while (part < before + parts) {
          runs.attend(kernels, run, part - before, q, out, from, visible, scratches[share]);
          part = next.getAndIncrement();
        }
        before += parts;
      }
    }
  }

  @Override
  public String description() {
    return kernels.description();
  }

  @Override
  public void matmul(Products products, float[] x, int xStride, int rows, Scratch scratch) {
    if (products.products() * rows >= LEAST_MACS) {
      Product product = scratch.shares(kernels, size).product;
      product.set(products, x, xStride, rows);
      if (handedOut(product)) {
        return;
      }
    }
    kernels.matmul(products, x, xStride, rows, scratch);
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
      AttentionRuns runs, float[] q, float[] out, int[] from, int[] visible, Scratch scratch) {
    if (2 * runs.products(from, visible) >= LEAST_MACS) {
      Attention attention = scratch.shares(kernels, size).attention;
      attention.set(runs, q, out, from, visible);
      if (handedOut(attention)) {
        return;
      }
    }
    kernels.attend(runs, q, out, from, visible, scratch);
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
