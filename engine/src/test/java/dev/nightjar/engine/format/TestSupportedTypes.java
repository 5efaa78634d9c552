package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * The list of element types for the documentation: what each takes in a file and in memory, and
 * where it may stand. That values are right is shown by {@link TestGgmlBlocks} and {@code
 * TestQuantisedModels}, which go over all of them.
 */
class TestSupportedTypes {
  private static final int ROWS = 3200;
  private static final int COLUMNS = 2560;

  @Test
  void listIsUpToDate() throws IOException {
    StringBuilder expected =
        new StringBuilder("type,ggml_number,bits_in_file,bits_in_memory,gguf,safetensors\n");
    for (DType dtype : DType.values()) {
      double elements = (double) ROWS * COLUMNS;
      expected.append(
          String.format(
              Locale.ROOT,
              "%s,%d,%.4f,%.3f,yes,%s%n",
              dtype,
              GgmlTypes.number(dtype),
              8.0 * dtype.blockBytes() / dtype.blockElements(),
              8 * PackedMatrix.byteSize(dtype, ROWS, COLUMNS) / elements,
              dtype.isQuantised() ? "no" : "yes"));
    }
    try (InputStream in = getClass().getResourceAsStream("/supported-types.csv")) {
      String found = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(found).as("supported-types.csv").isEqualTo(expected.toString());
    }
  }
}
