package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.GgufWriter;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A model of quantised weights against the same model with the fp32 values that they stand for, bit
 * for bit: embeddings, all products and the head.
 */
class TestQuantisedModels {
  private static final int[] TOKENS = {1, 3, 5, 7, 4};

  private final Checkpoint checkpoint = new Checkpoint(256, 2, 8);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(DType.class)
  void logitsEqualThoseOfTheDequantisedWeights(DType dtype) throws IOException {
    check(_ -> dtype);
  }

  /** As llama.cpp mixes them: embeddings and head in another type than the rest. */
  @Test
  void typesMayDifferFromTensorToTensor() throws IOException {
    DType[] types = DType.values();
    check(name -> types[Math.floorMod(name.hashCode(), types.length)]);
  }

  private void check(Function<String, DType> types) throws IOException {
    Path quantised = folder.resolve("quantised.gguf");
    Path plain = folder.resolve("plain.gguf");
    GgufWriter writer = metadata();
    for (String name : checkpoint.shapes.keySet()) {
      long[] shape = checkpoint.shapes.get(name);
      DType type = shape.length == 1 ? DType.F32 : types.apply(name);
      writer.add(
          GgufNames.of(name, BlockDesign.Norms.BEFORE), type, shape, checkpoint.values(name));
    }
    writer.write(quantised);
    try (GgufFile file = GgufFile.open(quantised)) {
      GgufWriter values = metadata();
      for (Tensor tensor : file.all()) {
        values.add(
            tensor.name(),
            DType.F32,
            tensor.shape(),
            (index, row) -> tensor.readRow(index, row, 0));
      }
      values.write(plain);
    }
    float[] expected = logits(plain, Kernels.best());
    assertThat(logits(quantised, Kernels.best())).isEqualTo(expected);
    assertThat(logits(quantised, new ScalarKernels())).isEqualTo(expected);
  }

  private GgufWriter metadata() {
    return checkpoint.ggufMetadata().put("llama.vocab_size", checkpoint.vocab);
  }

  /** Of the last token, the prompt in one step and one token after it. */
  private static float[] logits(Path path, Kernels kernels) {
    try (OpenModel files = ModelFiles.open(path);
        Arena arena = Arena.ofConfined()) {
      ModelConfig config = files.weights().config();
      ModelWeights weights =
          ModelWeights.load(files.weights(), LowRankUpdates.none(config.numLayers()), arena);
      DepthPolicy policy = DepthPolicy.full();
      LlamaModel model = new LlamaModel(weights, kernels, policy);
      int last = TOKENS.length - 1;
      SequenceState state =
          new SequenceState(
              config, new KvPages(config), policy, new RowContext(99, last, 1), false);
      Activations act = new Activations(config, kernels);
      Step step = new Step();
      for (int p = 0; p < last; p++) {
        step.add(state, TOKENS[p], p, true, p == last - 1);
      }
      model.forward(step, act);
      step.clear();
      step.add(state, TOKENS[last], last, false, true);
      model.forward(step, act);
      return Arrays.copyOf(act.logits(), config.vocabSize());
    }
  }
}
