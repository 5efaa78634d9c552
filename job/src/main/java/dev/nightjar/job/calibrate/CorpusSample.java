package dev.nightjar.job.calibrate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.job.Digests;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.RowPrompts;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * The rows of a corpus with the smallest hash of seed, key and prompt: the same rows however the
 * corpus is stored or split. Rows without a usable prompt are left out; rows with the same key and
 * prompt count once.
 */
final class CorpusSample {
  private CorpusSample() {}

  /** Draws at most {@code options.rows()} rows, in the order of their ranks. */
  static List<SampleRow> draw(
      Dataset<Row> corpus, InferenceOptions inference, CalibrationOptions options) {
    StructType schema = corpus.schema();
    new RowPrompts(inference, schema);
    int[] gold = indexes(schema, options.goldColumns());
    long seed = options.seed();
    List<SampleRow> smallest =
        corpus
            .javaRDD()
            .mapPartitions(rows -> new Ranked(rows, new RowPrompts(inference, schema), gold, seed))
            .takeOrdered(options.rows(), new ByRank());
    List<SampleRow> sample = new ArrayList<>();
    for (SampleRow row : smallest) {
      if (sample.isEmpty() || !sample.getLast().rank().equals(row.rank())) {
        sample.add(row);
      }
    }
    return sample;
  }

  private static int[] indexes(StructType schema, List<String> columns) {
    List<String> names = Arrays.asList(schema.fieldNames());
    int[] indexes = new int[columns.size()];
    for (int i = 0; i < indexes.length; i++) {
      indexes[i] = names.indexOf(columns.get(i));
      if (indexes[i] < 0) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "gold column '" + columns.get(i) + "' is not in the input, which has " + names);
      }
    }
    return indexes;
  }

  /** SHA-256 of texts, each with its length in front, in hexadecimal. */
  static String hash(String... texts) {
    return hash(Arrays.asList(texts));
  }

  /** SHA-256 of texts, each with its length in front, in hexadecimal. */
  static String hash(List<String> texts) {
    StringBuilder all = new StringBuilder();
    for (String text : texts) {
      all.append(text.getBytes(StandardCharsets.UTF_8).length).append(':').append(text);
    }
    return Digests.sha256(all.toString());
  }

  /** Rows with a prompt, with their ranks. */
  private static final class Ranked implements Iterator<SampleRow> {
    private final Iterator<Row> rows;
    private final RowPrompts prompts;
    private final int[] gold;
    private final long seed;
    private SampleRow next;

    Ranked(Iterator<Row> rows, RowPrompts prompts, int[] gold, long seed) {
      this.rows = rows;
      this.prompts = prompts;
      this.gold = gold;
      this.seed = seed;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        Row row = rows.next();
        next =
            switch (prompts.prompt(row)) {
              case Prompt.Missing _, Prompt.Invalid _ -> null;
              case Prompt prompt -> of(row, prompt);
            };
      }
      return next != null;
    }

    private SampleRow of(Row row, Prompt prompt) {
      String key = prompts.key(row, prompt);
      String rank = hash(Long.toString(seed), key, prompts.promptHash(prompt));
      List<String> values = new ArrayList<>(Collections.nCopies(gold.length, null));
      for (int i = 0; i < gold.length; i++) {
        values.set(i, row.isNullAt(gold[i]) ? null : row.get(gold[i]).toString());
      }
      return new SampleRow(rank, key, row, values);
    }

    @Override
    public SampleRow next() {
      if (!hasNext()) {
        throw new java.util.NoSuchElementException();
      }
      SampleRow row = next;
      next = null;
      return row;
    }
  }

  /** Smallest rank first. */
  private static final class ByRank implements Comparator<SampleRow>, Serializable {
    @Override
    public int compare(SampleRow a, SampleRow b) {
      return a.rank().compareTo(b.rank());
    }
  }
}
