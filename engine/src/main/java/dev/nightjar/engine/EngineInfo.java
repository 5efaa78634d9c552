package dev.nightjar.engine;

/**
 * What an engine is running; stored with results.
 *
 * @param model the model's name: its folder or file name; the embedded one's carries a hash of its
 *     content
 * @param modelFingerprint hash of weights, tokenizer and chat template
 * @param depthPolicy the depth specification
 * @param kernels the arithmetic in use, for example {@code vector-512}
 * @param weightBytes bytes of packed weights, shared by all threads
 * @param kvBytesPerToken bytes of keys and values of one token that runs every layer
 */
public record EngineInfo(
    String model,
    String modelFingerprint,
    String depthPolicy,
    String kernels,
    int numLayers,
    int vocabSize,
    int contextLength,
    long weightBytes,
    long kvBytesPerToken) {}
