/**
 * The only loop over steps: continuous batching, sampling, stop conditions. Knows nothing of Spark.
 */
package dev.nightjar.engine.decode;
