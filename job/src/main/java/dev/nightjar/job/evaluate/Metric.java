package dev.nightjar.job.evaluate;

/**
 * One measure of quality of one depth policy.
 *
 * @param value share of the rows, in [0, 1]; for perplexity the number itself
 * @param difference to the dense run on the same rows, paired
 */
record Metric(String name, Interval value, Interval difference) {}
