package dev.nightjar.engine.format;

/**
 * A tensor that is in a model file but cannot be read by this version.
 *
 * @param type the name of its element type in the file, for example {@code Q4_K} or {@code I64}
 * @param shape outermost first
 * @param reason why it cannot be read, as a clause for messages
 */
public record UnsupportedTensor(String name, String type, long[] shape, String reason) {}
