/** {@code nightjar quantize}: smaller weights, and what they cost. */
package dev.nightjar.job.quantize;
