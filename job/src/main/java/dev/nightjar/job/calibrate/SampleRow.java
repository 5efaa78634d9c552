package dev.nightjar.job.calibrate;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * A row of the corpus sample.
 *
 * @param rank hash of seed, key and prompt in hexadecimal; the sample is the rows with the smallest
 * @param gold values of the gold columns; an entry is null where the column is
 */
record SampleRow(String rank, String key, Row row, List<String> gold) implements Serializable {}
