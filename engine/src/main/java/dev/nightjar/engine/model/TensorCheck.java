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
  private final TensorParts parts;
  private final UnaryOperator<String> locate;

  /**
   * {@code locate} turns a Hugging Face name into the {@code file: tensor "name"} that begins a
   * message.
   */
  TensorCheck(
      WeightSource source, ConfigKeys keys, TensorParts parts, UnaryOperator<String> locate) {
    this.source = source;
    this.keys = keys;
    this.parts = parts;
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
      LayerNames names = new LayerNames(config, layer);
      for (String norm :
          new String[] {
            names.attentionInputNorm(),
            names.attentionOutputNorm(),
            names.feedForwardInputNorm(),
            names.feedForwardOutputNorm()
          }) {
        if (norm != null) {
          require(norm, hidden);
        }
      }
      attention(names, hidden, query, kv);
      if (config.blocks().layers().get(layer).sparse()) {
        experts(names, hidden);
      } else {
        feedForward(names, layer, hidden, ffn);
      }
    }
  }

  private void attention(LayerNames names, Dimension hidden, Dimension query, Dimension kv) {
    ModelConfig config = source.config();
    if (parts.fused()) {
      String reason = query.reason() + " and twice " + kv.reason();
      Dimension all = new Dimension(query.size() + 2 * kv.size(), reason);
      linear(names.attention("qkv_proj"), all, hidden, config.qkvBias());
    } else {
      linear(names.attention("q_proj"), query, hidden, config.qkvBias());
      linear(names.attention("k_proj"), kv, hidden, config.qkvBias());
      linear(names.attention("v_proj"), kv, hidden, config.qkvBias());
    }
    linear(names.attention("o_proj"), hidden, query, config.outputBias());
    Dimension head = named(keys.headDim(), config.headDim());
    switch (config.blocks().queryKeyNorms()) {
      case NONE -> {}
      case HEADS -> {
        require(names.attention("q_norm.weight"), head);
        require(names.attention("k_norm.weight"), head);
      }
      case WIDTH -> {
        require(names.attention("q_norm.weight"), query);
        require(names.attention("k_norm.weight"), kv);
      }
    }
  }

  private void feedForward(LayerNames names, int layer, Dimension hidden, Dimension ffn) {
    boolean bias = source.config().mlpBias();
    if (parts.fused()) {
      Dimension both = new Dimension(2 * ffn.size(), "twice " + ffn.reason());
      linear("model.layers." + layer + "." + TensorParts.GATE_UP, both, hidden, bias);
    } else {
      linear(names.feedForward() + "gate_proj", ffn, hidden, bias);
      linear(names.feedForward() + "up_proj", ffn, hidden, bias);
    }
    linear(names.feedForward() + "down_proj", hidden, ffn, bias);
  }

  private void experts(LayerNames names, Dimension hidden) {
    BlockDesign.Experts experts = source.config().blocks().experts();
    Dimension count = named("experts", experts.count());
    Dimension width = named("width of an expert", experts.intermediateSize());
    require(names.router(), count, hidden);
    if (parts.stacked()) {
      require(names.feedForward() + "experts.gate_proj.weight", count, width, hidden);
      require(names.feedForward() + "experts.up_proj.weight", count, width, hidden);
      require(names.feedForward() + "experts.down_proj.weight", count, hidden, width);
      return;
    }
    for (int expert = 0; expert < experts.count(); expert++) {
      linear(names.expert(expert) + "gate_proj", width, hidden, false);
      linear(names.expert(expert) + "up_proj", width, hidden, false);
      linear(names.expert(expert) + "down_proj", hidden, width, false);
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
