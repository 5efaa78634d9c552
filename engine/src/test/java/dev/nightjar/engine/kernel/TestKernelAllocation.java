package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A kernel whose vectors C2 fails to keep in registers allocates each of them, and is a thousand
 * times slower; so compiled kernels must not allocate.
 */
class TestKernelAllocation {
  @BeforeEach
  void needsAnAllocationCounter() {
    assumeTrue(AllocationProbe.supported(), "this JVM does not count the bytes a thread allocates");
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void matmulDoesNotAllocate(DType dtype) {
    AllocationProbe probe = new AllocationProbe();
    probe.matmul(dtype);
    assertThat(probe.allocating()).isEmpty();
  }

  @Test
  void elementwiseKernelsDoNotAllocate() {
    AllocationProbe probe = new AllocationProbe();
    probe.elementwise();
    assertThat(probe.allocating()).isEmpty();
  }

  @Test
  void reductionsDoNotAllocate() {
    AllocationProbe probe = new AllocationProbe();
    probe.reductions();
    assertThat(probe.allocating()).isEmpty();
  }

  @Test
  void attendDoesNotAllocate() {
    AllocationProbe probe = new AllocationProbe();
    probe.attend();
    assertThat(probe.allocating()).isEmpty();
  }

  /**
   * In a long-lived JVM what C2 knows about the Vector API's methods depends on which code ran
   * before and when it was compiled; here it knows nothing.
   */
  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void noKernelDependsOnTypeProfiles(int bits) throws IOException, InterruptedException {
    assumeTrue(bits <= VectorWidth.widestBits(), "not a vector width of this machine");
    ChildJvm run =
        ChildJvm.run(
            AllocationProbe.class,
            ChildJvm.MODULE_FLAG,
            "-XX:+IgnoreUnrecognizedVMOptions",
            "-XX:-UseTypeProfile",
            "-Dnightjar.vector.bits=" + bits);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output()).endsWith(AllocationProbe.DONE + System.lineSeparator());
    assertThat(run.output()).doesNotContain("allocates");
  }
}
