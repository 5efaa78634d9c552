/**
 * Spark SQL meets the engine: the path of a row from a Dataset through a decoder to a result row.
 */
package dev.nightjar.udfs;
