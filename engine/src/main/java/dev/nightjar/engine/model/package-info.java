/**
 * The architecture: weights, keys and values, and the one forward pass that every depth policy runs
 * through. Knows nothing of text, sampling or time.
 *
 * <p>Letters in shapes: M slots of a step, L layers, H query heads, K key/value heads, D head
 * dimension, C model dimension, F feed-forward dimension, V vocabulary, T positions.
 */
package dev.nightjar.engine.model;
