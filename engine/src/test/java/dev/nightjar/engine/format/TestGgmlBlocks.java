package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Blocks decode to the published values and values encode to the blocks that ggml writes, bit for
 * bit. {@code scripts/train/reference/ggml_blocks.py} makes the known answers.
 */
class TestGgmlBlocks {
  private static JsonNode known;

  @BeforeAll
  static void readKnownAnswers() throws IOException {
    try (InputStream in = TestGgmlBlocks.class.getResourceAsStream("/ggml-blocks.json")) {
      known = JsonMapper.builder().build().readTree(in);
    }
  }

  @Test
  void everyQuantisedTypeHasKnownAnswers() {
    for (DType dtype : DType.values()) {
      assertThat(known.path("types").has(dtype.name()))
          .as("%s", dtype)
          .isEqualTo(dtype.isQuantised());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"F32", "F16", "BF16"})
  void blocksDecodeToThePublishedValues(DType dtype) {
    byte[] blocks = answer(dtype, "blocks");
    float[] expected = floats(answer(dtype, "decoded"));
    float[] found = new float[expected.length];
    dtype.toFloats(MemorySegment.ofArray(blocks), 0, found.length, found, 0);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Float.floatToRawIntBits(found[i]))
          .as("%s element %d: %s, expected %s", dtype, i, found[i], expected[i])
          .isEqualTo(Float.floatToRawIntBits(expected[i]));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"F32", "F16", "BF16"})
  void valuesEncodeToThePublishedBlocks(DType dtype) {
    float[] values = floats(decoded(known.path("values")));
    byte[] expected = answer(dtype, "encoded");
    ByteBuffer found = ByteBuffer.allocate(expected.length).order(ByteOrder.LITTLE_ENDIAN);
    new TensorEncoder().encode(dtype, values, found);
    for (int i = 0; i < expected.length; i++) {
      assertThat(found.get(i))
          .as("%s block %d, byte %d", dtype, i / dtype.blockBytes(), i % dtype.blockBytes())
          .isEqualTo(expected[i]);
    }
  }

  private static byte[] answer(DType dtype, String field) {
    return decoded(known.path("types").path(dtype.name()).path(field));
  }

  private static byte[] decoded(JsonNode text) {
    return Base64.getDecoder().decode(text.textValue());
  }

  private static float[] floats(byte[] bytes) {
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }
}
