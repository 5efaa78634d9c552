package dev.nightjar.engine.model;

import dev.nightjar.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Checks that a model has every tensor its configuration implies, in the shape it implies. */
final class TensorCheck {
  /** One dimension that is implied, and by what. */
  private record Dimension(int size, String reason) {}

  private final WeightSource source;
  private final ConfigKeys keys;
  private final UnaryOperator<String> locate;

  /**
   * {@code locate} turns a Hugging Face name into the {@code file: tensor "name"} that begins a
   * message.
   */
  TensorCheck(WeightSource source, ConfigKeys keys, UnaryOperator<String> locate) {
    this.source = source;
    this.keys = keys;
    this.locate = locate;
  }

  void run() {
    ModelConfig config = source.config();
    Dimension vocab = named(keys.vocabSize(), config.vocabSize());
    Dimension hidden = named(keys.hiddenSize(), config.hiddenSize());
    Dimension ffn = named(keys.intermediateSize(), config.intermediateSize());
    Dimension query = heads(config.queryDim(), keys.numHeads(), config.numHeads());
    Dimension kv = heads(config.kvDim(), keys.numKvHeads(), config.numKvHeads());
    require("model.embed_tokens.weight", vocab, hidden);
    require("model.norm.weight", hidden);
    if (!config.tiedEmbeddings()) {
      require("lm_head.weight", vocab, hidden);
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      String prefix = "model.layers." + layer + ".";
      require(prefix + "input_layernorm.weight", hidden);
      linear(prefix + "self_attn.q_proj", query, hidden, config.qkvBias());
      linear(prefix + "self_attn.k_proj", kv, hidden, config.qkvBias());
      linear(prefix + "self_attn.v_proj", kv, hidden, config.qkvBias());
      linear(prefix + "self_attn.o_proj", hidden, query, config.outputBias());
      require(prefix + "post_attention_layernorm.weight", hidden);
      linear(prefix + "mlp.gate_proj", ffn, hidden, config.mlpBias());
      linear(prefix + "mlp.up_proj", ffn, hidden, config.mlpBias());
      linear(prefix + "mlp.down_proj", hidden, ffn, config.mlpBias());
    }
  }

  private void linear(String name, Dimension out, Dimension in, boolean bias) {
    require(name + ".weight", out, in);
    if (bias) {
      require(name + ".bias", out);
    }
  }

  private void require(String name, Dimension... expected) {
    Optional<Tensor> found = source.find(name);
    if (found.isPresent() && matches(found.get().shape(), expected)) {
      return;
    }
    String[] sizes = new String[expected.length];
    String[] reasons = new String[expected.length];
    for (int i = 0; i < expected.length; i++) {
      sizes[i] = Integer.toString(expected[i].size());
      reasons[i] = expected[i].reason();
    }
    String problem =
        found.isPresent() ? "has shape " + Arrays.toString(found.get().shape()) : "is missing";
    throw ConfigCheck.invalid(
        "%s %s, expected [%s] (%s in %s); re-export the checkpoint"
            .formatted(
                locate.apply(name),
                problem,
                String.join(", ", sizes),
                String.join(", ", reasons),
                keys.source()));
  }

  private static boolean matches(long[] shape, Dimension[] expected) {
    boolean equal = shape.length == expected.length;
    for (int i = 0; equal && i < shape.length; i++) {
      equal = shape[i] == expected[i].size();
    }
    return equal;
  }

  private Dimension heads(int size, String key, int count) {
    return new Dimension(
        size, "%s=%d x %s=%d".formatted(key, count, keys.headDim(), source.config().headDim()));
  }

  private static Dimension named(String key, int size) {
    return new Dimension(size, key + "=" + size);
  }
}
