package dev.nightjar.engine.kernel;

import static dev.nightjar.engine.kernel.KernelFixtures.gaussian;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.zip.CRC32;

/**
 * Prints the name of this JVM's kernels and a checksum over the bits of what they compute from
 * seeded inputs.
 */
final class KernelChecksum {
  private final Kernels kernels = Kernels.best();
  private final Random random = new Random(42);
  private final CRC32 crc = new CRC32();

  private KernelChecksum() {}

  public static void main(String[] args) {
    KernelChecksum checksum = new KernelChecksum();
    System.out.println(checksum.kernels.description() + " " + Long.toHexString(checksum.compute()));
  }

  private long compute() {
    for (DType dtype : DType.values()) {
      for (int rows : new int[] {1, 2, 3, 4, 8, 11, 21}) {
        matmul(dtype, 72, 224, rows);
        matmul(dtype, 129, 64, rows);
      }
    }
    for (int size : new int[] {1, 5, 16, 31, 100, 577}) {
      elementwise(size);
    }
    for (int headDim : new int[] {6, 24, 64}) {
      for (int group : new int[] {1, 3, 5}) {
        attend(headDim, 37, group);
      }
    }
    return crc.getValue();
  }

  private void matmul(DType dtype, int outputs, int columns, int rows) {
    int inputs = KernelFixtures.whole(dtype, columns);
    float[] x = gaussian(random, rows * inputs);
    float[] out = new float[rows * outputs];
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w =
          PackedMatrix.pack(KernelFixtures.tensor(random, dtype, outputs, inputs), arena);
      kernels.matmul(w, x, inputs, rows, out, outputs, kernels.newScratch());
    }
    update(out);
  }

  private void elementwise(int size) {
    float[] x = gaussian(random, size);
    float[] y = gaussian(random, size);
    float[] out = new float[size];
    kernels.rmsNorm(x, size, y, 1e-6f, size, 1, out, size);
    update(out);
    kernels.siluMultiply(x, y, size);
    update(x);
    kernels.silu(y, size);
    update(y);
    kernels.add(x, 0, y, 0, size);
    update(x);
    int half = size / 2;
    kernels.rotate(x, 0, 1, 2 * half, gaussian(random, half), gaussian(random, half), 0);
    update(x);
    update(kernels.argmax(x, 0, size), kernels.logSumExp(x, 0, size));
  }

  private void attend(int headDim, int length, int group) {
    for (KvType type : KvType.values()) {
      AttentionShape shape = new AttentionShape(new KvLayout(type, 2, headDim), group, 0.3f);
      int[] visible = {length - 2, length - 1, length};
      MemorySegment[] pages = KernelFixtures.pages(random, shape.keysValues(), length);
      float[] q = gaussian(random, visible.length * shape.queryDim());
      float[] out = new float[q.length];
      kernels.attend(shape, q, out, 0, visible.length, pages, visible, kernels.newScratch());
      update(out);
    }
  }

  private void update(float... values) {
    for (float value : values) {
      int bits = KernelFixtures.bits(value);
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        crc.update(bits >>> shift);
      }
    }
  }
}
