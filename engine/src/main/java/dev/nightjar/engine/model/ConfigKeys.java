package dev.nightjar.engine.model;

/**
 * What a model format calls the numbers of its architecture, so that messages speak the file's
 * language.
 */
record ConfigKeys(
    String source,
    String vocabSize,
    String hiddenSize,
    String numLayers,
    String numHeads,
    String numKvHeads,
    String headDim,
    String intermediateSize,
    String normEps,
    String ropeTheta,
    String ropeFactor,
    String contextLength) {

  static final ConfigKeys HUGGING_FACE =
      new ConfigKeys(
          "config.json",
          "vocab_size",
          "hidden_size",
          "num_hidden_layers",
          "num_attention_heads",
          "num_key_value_heads",
          "head_dim",
          "intermediate_size",
          "rms_norm_eps",
          "rope_theta",
          "factor",
          "max_position_embeddings");

  /** The keys of a GGUF file, which begin with the name of its architecture. */
  static ConfigKeys gguf(String architecture) {
    String prefix = architecture + ".";
    return new ConfigKeys(
        "the metadata",
        prefix + "vocab_size",
        prefix + "embedding_length",
        prefix + "block_count",
        prefix + "attention.head_count",
        prefix + "attention.head_count_kv",
        prefix + "attention.key_length",
        prefix + "feed_forward_length",
        prefix + "attention.layer_norm_rms_epsilon",
        prefix + "rope.freq_base",
        prefix + "rope.scaling.factor",
        prefix + "context_length");
  }
}
