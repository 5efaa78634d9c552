/**
 * Calibration: depth artefacts fitted to a model and a corpus sample by forward passes on Spark.
 */
package dev.nightjar.job.calibrate;
