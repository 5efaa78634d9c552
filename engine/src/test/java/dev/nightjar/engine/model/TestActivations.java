package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.kernel.Kernels;
import java.lang.reflect.Field;
import org.junit.jupiter.api.Test;

/** The memory of a decoder's steps. */
class TestActivations {
  @Test
  void bytesAreAsPlanned() throws IllegalAccessException {
    ModelConfig config = TinyModels.config(256);
    Activations act = new Activations(config, Kernels.best());
    act.ensure(512, 32, 256);
    long floats = 0;
    for (Field field : Activations.class.getDeclaredFields()) {
      if (field.getType() == float[].class) {
        field.setAccessible(true);
        float[] array = (float[]) field.get(act);
        floats += array == null ? 0 : array.length;
      }
    }
    long planned = Activations.byteSize(config, 512, 32, 256);
    // The plan also has room for activations as the kernels regroup them, and for attention.
    long besides = floats / 4 + 2 * (1 << 16);
    assertThat(planned).isBetween(Float.BYTES * floats, Float.BYTES * (floats + besides));
  }
}
