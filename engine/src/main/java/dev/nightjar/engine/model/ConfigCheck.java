package dev.nightjar.engine.model;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;

/**
 * Ranges that the numbers of an architecture must lie in, so that whatever is sized by them is
 * bounded.
 */
final class ConfigCheck {
  static final int MAX_VOCAB = 1 << 22;
  static final int MAX_HIDDEN = 1 << 16;
  static final int MAX_LAYERS = 1 << 10;
  static final int MAX_HEADS = 1 << 10;
  static final int MAX_HEAD_DIM = 1 << 10;
  static final int MAX_INTERMEDIATE = 1 << 20;
  static final int MAX_CONTEXT = 1 << 27;
  static final int MAX_EXPERTS = 1 << 10;
  static final int MAX_EOS_TOKENS = 256;

  private ConfigCheck() {}

  /** Returns {@code value} if it is in {@code [1, max]}. */
  static int positive(String where, String key, long value, int max) {
    if (value < 1 || value > max) {
      throw invalid(
          "%s: %s is %d, expected 1 to %d; re-export the checkpoint"
              .formatted(where, key, value, max));
    }
    return (int) value;
  }

  /** Returns {@code value} if it is finite and in {@code [min, max]}. */
  static double inRange(String where, String key, double value, double min, double max) {
    if (!(value >= min && value <= max)) { // also refuses NaN
      throw invalid(
          "%s: %s is %s, expected %s to %s; re-export the checkpoint"
              .formatted(where, key, value, min, max));
    }
    return value;
  }

  /** Returns the size of a head that the file does not give. */
  static int impliedHeadDim(String where, ConfigKeys keys, int hiddenSize, int numHeads) {
    if (hiddenSize % numHeads != 0) {
      throw invalid(
          "%s: %s=%d is not a multiple of %s=%d and there is no %s; re-export the checkpoint"
              .formatted(
                  where, keys.hiddenSize(), hiddenSize, keys.numHeads(), numHeads, keys.headDim()));
    }
    return hiddenSize / numHeads;
  }

  /** Checks what concerns several numbers at once. */
  static void check(String where, ConfigKeys keys, ModelConfig config) {
    if (config.numHeads() % config.numKvHeads() != 0) {
      throw invalid(
          "%s: %s=%d is not a multiple of %s=%d; re-export the checkpoint"
              .formatted(
                  where,
                  keys.numHeads(),
                  config.numHeads(),
                  keys.numKvHeads(),
                  config.numKvHeads()));
    }
    if (config.headDim() % 2 != 0) {
      throw invalid(
          "%s: %s is %d, expected an even number; re-export the checkpoint"
              .formatted(where, keys.headDim(), config.headDim()));
    }
    positive(where, keys.headDim(), config.headDim(), MAX_HEAD_DIM);
    if (config.eosTokenIds().size() > MAX_EOS_TOKENS) {
      throw invalid(
          "%s: %d end-of-sequence tokens, expected at most %d; correct the list"
              .formatted(where, config.eosTokenIds().size(), MAX_EOS_TOKENS));
    }
    checkToken(where, keys, config, "begin-of-sequence", config.bosTokenId(), -1);
    for (int id : config.eosTokenIds()) {
      checkToken(where, keys, config, "end-of-sequence", id, 0);
    }
  }

  private static void checkToken(
      String where, ConfigKeys keys, ModelConfig config, String kind, int id, int min) {
    if (id < min || id >= config.vocabSize()) {
      throw invalid(
          "%s: the %s token is %d, expected less than %s=%d and not negative; correct it"
              .formatted(where, kind, id, keys.vocabSize(), config.vocabSize()));
    }
  }

  static EngineException invalid(String message) {
    return new EngineException(ErrorCode.INVALID_MODEL, message);
  }
}
