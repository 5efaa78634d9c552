package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/** Starts JVMs with every vector width, since a JVM chooses its own once. */
class TestVectorWidths {
  @Test
  void everyWidthComputesTheSameBits(TestReporter reporter)
      throws IOException, InterruptedException {
    ChildJvm scalar = run(ChildJvm.MODULE_FLAG, "-Dnightjar.vector.bits=0");
    assertThat(scalar.output()).contains("scalar ");
    String checksum = checksum(scalar, "scalar");
    for (int bits : new int[] {128, 256, 512}) {
      ChildJvm run = run(ChildJvm.MODULE_FLAG, "-Dnightjar.vector.bits=" + bits);
      if (bits <= VectorWidth.widestBits()) {
        assertThat(checksum(run, "vector-" + bits))
            .as("checksum at " + bits + " bits")
            .isEqualTo(checksum);
      } else {
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.output())
            .contains("nightjar.vector.bits is " + bits)
            .contains("the vectors of this machine have " + VectorWidth.widestBits() + " bits");
        reporter.publishEntry("unsupported here", bits + " bits, not compared");
      }
    }
  }

  @Test
  void withoutThePropertyTheWidestUsefulVectorsAreTaken() throws IOException, InterruptedException {
    int bits = Math.min(VectorWidth.widestBits(), 512);
    assertThat(run(ChildJvm.MODULE_FLAG).output()).contains("vector-" + bits + " ");
  }

  @Test
  void withoutTheModuleScalarKernelsRunAfterAWarning() throws IOException, InterruptedException {
    ChildJvm run = run();
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output())
        .contains("scalar ")
        .containsOnlyOnce("The Vector API is not loaded")
        .contains("--add-modules jdk.incubator.vector");
  }

  @Test
  void aWidthThatIsNoneIsRefused() throws IOException, InterruptedException {
    ChildJvm run = run(ChildJvm.MODULE_FLAG, "-Dnightjar.vector.bits=300");
    assertThat(run.exitCode()).isNotZero();
    assertThat(run.output())
        .contains("nightjar.vector.bits is \"300\", expected 0, 128, 256 or 512");
  }

  @Test
  void aWidthWithoutTheModuleIsRefused() throws IOException, InterruptedException {
    ChildJvm run = run("-Dnightjar.vector.bits=256");
    assertThat(run.exitCode()).isNotZero();
    assertThat(run.output()).contains("add the JVM flag --add-modules jdk.incubator.vector");
  }

  private static String checksum(ChildJvm run, String name) {
    assertThat(run.exitCode()).as(run.output()).isZero();
    for (String line : run.output().lines().toList()) {
      if (line.startsWith(name + " ")) {
        return line.substring(name.length() + 1);
      }
    }
    throw new AssertionError("no line \"" + name + " <checksum>\" in: " + run.output());
  }

  private static ChildJvm run(String... flags) throws IOException, InterruptedException {
    return ChildJvm.run(KernelChecksum.class, flags);
  }
}
