/**
 * {@code nightjar bench}: how fast kernels, engine and job are, against ceilings and peers measured
 * in the same run. What is compared takes turns within one process; numbers are medians with their
 * spread.
 */
package dev.nightjar.job.bench;
