package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowDecoder;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.job.BatchInferenceJob;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.JobFlags;
import dev.nightjar.job.RunSummary;
import dev.nightjar.job.SparkSessions;
import dev.nightjar.job.demo.SyntheticMailbox;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Rows per second of the whole batch job in Spark, in turns with as many bare decoders as it has
 * task slots over the same mails; and the memory of the process with one and two slots.
 */
final class JobSection implements Section {
  private static final int MAX_TOKENS = 96;
  private static final List<Integer> SLOTS = List.of(1, 2);
  private static final StructType SCHEMA =
      new StructType().add("id", DataTypes.StringType).add("content", DataTypes.StringType);

  /** Rows per second, and the most memory of the process meanwhile. */
  private record Cost(double rate, MemoryWatch.Peak peak) {}

  /** What all runs share. */
  private record Workload(BenchSettings settings, Path folder, List<String> mails) {}

  @Override
  public String name() {
    return "job";
  }

  @Override
  public void run(BenchSettings settings, BenchReport report) {
    Workload work =
        new Workload(
            settings,
            settings.cache().resolve("job").toAbsolutePath(),
            SyntheticMailbox.synthetic(settings.rows(), 1).stream()
                .map(mail -> mail.content())
                .toList());
    report.title(
        "Job in Spark against the bare engine: %s, depth %s, %d synthetic mails"
            .formatted(settings.modelName(), depth(settings), settings.rows()));
    List<List<String>> table = new ArrayList<>();
    for (int slots : SLOTS) {
      measure(work, slots, table, report);
    }
    report.table(
        List.of(
            "slots",
            "job rows/s (min-max)",
            "engine rows/s (min-max)",
            "job / engine (min-max)",
            "resident MiB",
            "heap MiB",
            "outside MiB"),
        table);
  }

  private static String depth(BenchSettings settings) {
    return settings.depths().isEmpty() ? "full" : settings.depths().getFirst();
  }

  private void measure(Workload work, int slots, List<List<String>> table, BenchReport report) {
    SparkSession spark =
        SparkSessions.open("nightjar bench", Map.of("spark.master", "local[" + slots + "]"));
    EngineConfig config = EngineConfig.DEFAULT.withDepth(depth(work.settings()));
    try (Threads pool = new Threads(slots);
        LlmEngine engine = LlmEngine.load(work.settings().modelPath(), config)) {
      write(spark, work);
      List<Turns.Trial<Cost>> trials =
          List.of(() -> job(spark, work, engine), () -> bare(engine, work, pool));
      List<List<Cost>> costs =
          Turns.take(trials, work.settings().rounds(), work.settings().warmUpNanos());
      Samples job = Turns.samples(costs.get(0), Cost::rate);
      Samples bare = Turns.samples(costs.get(1), Cost::rate);
      Samples resident = Turns.samples(costs.get(0), cost -> cost.peak().resident() / 1048576.0);
      Samples heap = Turns.samples(costs.get(0), cost -> cost.peak().heap() / 1048576.0);
      Samples outside = Turns.samples(costs.get(0), cost -> cost.peak().outside() / 1048576.0);
      table.add(
          List.of(
              String.valueOf(slots),
              job.text(1),
              bare.text(1),
              job.over(bare).text(3),
              BenchReport.number(resident.max(), 0),
              BenchReport.number(heap.max(), 0),
              BenchReport.number(outside.max(), 0)));
      ObjectNode node = report.list(name(), "runs").addObject().put("slots", slots);
      node.put("rows", work.settings().rows()).put("model", work.settings().modelName());
      job.put(node, "job_rows_per_second");
      bare.put(node, "engine_rows_per_second");
      job.over(bare).put(node, "job_over_engine");
      resident.put(node, "resident_mib");
      heap.put(node, "heap_mib");
      outside.put(node, "outside_heap_mib");
      node.put("weight_bytes", engine.info().weightBytes());
      node.put("kv_bytes_per_token", engine.info().kvBytesPerToken());
    } finally {
      spark.stop();
    }
  }

  private static void write(SparkSession spark, Workload work) {
    List<Row> rows = new ArrayList<>();
    for (String mail : work.mails()) {
      rows.add(RowFactory.create("mail-" + rows.size(), mail));
    }
    spark
        .createDataFrame(rows, SCHEMA)
        .coalesce(1)
        .write()
        .mode("overwrite")
        .parquet(work.folder().resolve("mails").toString());
  }

  private static Cost job(SparkSession spark, Workload work, LlmEngine engine) {
    Path output = work.folder().resolve("results");
    deleteTree(output);
    Map<String, String> arguments = new HashMap<>();
    arguments.put(
        "model",
        work.settings().synthetic().isPresent()
            ? work.settings().modelPath().toAbsolutePath().toString()
            : work.settings().model());
    arguments.put("depth", depth(work.settings()));
    arguments.put("input.path", work.folder().resolve("mails").toString());
    arguments.put("input.key-column", "id");
    arguments.put("prompt.column", "content");
    boolean chat = engine.encoder().chatTemplate().isPresent();
    arguments.put("prompt.chat", String.valueOf(chat));
    arguments.put("sampling.max-tokens", String.valueOf(MAX_TOKENS));
    arguments.put("output.path", output.toString());
    arguments.put("run.progress-seconds", "0");
    JobConfig config = JobFlags.config(Optional.empty(), arguments);
    PrintStream silent = new PrintStream(PrintStream.nullOutputStream());
    try (MemoryWatch watch = new MemoryWatch()) {
      RunSummary summary = new BatchInferenceJob(spark, config, silent).run().summary();
      return new Cost(summary.rowsPerSecond(), watch.peak());
    }
  }

  private static Cost bare(LlmEngine engine, Workload work, Threads pool) {
    List<Callable<Long>> decoders = new ArrayList<>();
    int each = Math.ceilDiv(work.mails().size(), pool.count());
    for (int first = 0; first < work.mails().size(); first += each) {
      int from = first;
      int to = Math.min(work.mails().size(), first + each);
      decoders.add(() -> decode(engine, work, from, to));
    }
    try (MemoryWatch watch = new MemoryWatch()) {
      long start = System.nanoTime();
      long rows = pool.run(decoders).stream().mapToLong(Long::longValue).sum();
      return new Cost(rows * 1e9 / (System.nanoTime() - start), watch.peak());
    }
  }

  private static long decode(LlmEngine engine, Workload work, int from, int to) {
    SamplingParams sampling = SamplingParams.greedy(MAX_TOKENS);
    boolean chat = engine.encoder().chatTemplate().isPresent();
    Iterator<GenerationRequest> requests =
        Stream.iterate(from, row -> row < to, row -> row + 1)
            .map(row -> {
              String mail = work.mails().get(row);
              Prompt prompt =
                  chat
                      ? new Prompt.Messages(List.of(new ChatMessage("user", mail)))
                      : new Prompt.Text(mail);
              return new GenerationRequest("mail-" + row, prompt, sampling);
            })
            .iterator();
    RowDecoder decoder = engine.decode(requests);
    long rows = 0;
    while (decoder.hasNext()) {
      decoder.next();
      rows++;
    }
    return rows;
  }

  private static void deleteTree(Path root) {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(root + " cannot be emptied; set --cache", e);
    }
  }
}
