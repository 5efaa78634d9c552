package dev.nightjar.job.openai;

import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.PromptSource.BatchLines;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The files that a batch ends with: answers and errors, each in the order of the requests.
 *
 * @param answers number of lines in {@code output.jsonl}
 * @param errors number of lines in {@code errors.jsonl}
 */
public record BatchFiles(String folder, long answers, long errors) {
  private static final String ANSWERS = "output.jsonl";
  private static final String ERRORS = "errors.jsonl";

  /**
   * Writes both files anew from the result table; each appears whole. Lines are made by Spark and
   * pass through the driver one partition at a time.
   *
   * @param input the batch
   * @param results rows of the result table, those of other lines as well
   */
  public static BatchFiles write(
      Dataset<Row> input,
      Dataset<Row> results,
      InferenceOptions options,
      String folder,
      Configuration configuration) {
    Dataset<Row> lines =
        BatchInput.keyed(input, options)
            .join(
                BatchInput.numbered(results).drop(BatchInput.LINE),
                new String[] {BatchInput.KEY, BatchLines.REQUEST, BatchInput.NTH})
            .orderBy(BatchInput.LINE);
    Iterator<ResponseLine> made = lines.javaRDD().map(ResponseLine::of).toLocalIterator();
    Path root = new Path(folder);
    try {
      FileSystem files = root.getFileSystem(configuration);
      return write(files, root, made);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the batch's files could not be written to " + folder + ": " + e.getMessage(), e);
    }
  }

  private static BatchFiles write(FileSystem files, Path folder, Iterator<ResponseLine> lines)
      throws IOException {
    Path answers = new Path(folder, ANSWERS);
    Path errors = new Path(folder, ERRORS);
    long numAnswers = 0;
    long numErrors = 0;
    try (OutputStream answersOut = files.create(fresh(answers), true);
        OutputStream errorsOut = files.create(fresh(errors), true)) {
      while (lines.hasNext()) {
        ResponseLine line = lines.next();
        (line.isError() ? errorsOut : answersOut)
            .write((line.json() + "\n").getBytes(StandardCharsets.UTF_8));
        if (line.isError()) {
          numErrors++;
        } else {
          numAnswers++;
        }
      }
    }
    replace(files, answers);
    replace(files, errors);
    return new BatchFiles(folder.toString(), numAnswers, numErrors);
  }

  private static Path fresh(Path file) {
    return new Path(file.getParent(), "_" + file.getName());
  }

  private static void replace(FileSystem files, Path file) throws IOException {
    files.delete(file, false);
    if (!files.rename(fresh(file), file)) {
      throw new IOException(fresh(file) + " could not be renamed to " + file);
    }
  }

  /** For people. */
  public String line() {
    return "batch       %,d answers in %s, %,d errors in %s"
        .formatted(answers, new Path(folder, ANSWERS).toString(), errors, new Path(folder, ERRORS));
  }
}
