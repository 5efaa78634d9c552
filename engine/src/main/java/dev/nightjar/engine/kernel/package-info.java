/**
 * Arithmetic. The only package that may import {@code jdk.incubator.vector}; knows nothing of
 * models.
 */
package dev.nightjar.engine.kernel;
