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

  static final ConfigKeys GGUF =
      new ConfigKeys(
          "the metadata",
          "llama.vocab_size",
          "llama.embedding_length",
          "llama.block_count",
          "llama.attention.head_count",
          "llama.attention.head_count_kv",
          "llama.attention.key_length",
          "llama.feed_forward_length",
          "llama.attention.layer_norm_rms_epsilon",
          "llama.rope.freq_base",
          "llama.rope.scaling.factor",
          "llama.context_length");
}
