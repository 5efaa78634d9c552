package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.MemoryPlan;
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
  private static final StructType SCHEMA =
      new StructType().add("id", DataTypes.StringType).add("content", DataTypes.StringType);

  /** Mails that tell how many there is time for. */
  private static final int PROBE_ROWS = 32;

  private static final int LEAST_ROWS = 64;
  private static final int MOST_ROWS = 8192;

  /** Rows of a Spark task at most. */
  private static final int TASK_ROWS = 256;

  /** Few mails with one slot and with two, then more: a job's start and end weigh less. */
  private static final List<Length> LENGTHS =
      List.of(new Length(1, 1.5), new Length(2, 1.5), new Length(2, 4));

  /** Task slots, and the time of a turn in units of a figure's. */
  private record Length(int slots, double turns) {}

  /** Rows per second, and the most memory of the process meanwhile. */
  private record Cost(double rate, MemoryWatch.Peak peak) {}

  /**
   * What the runs with a number of task slots share.
   *
   * @param chat whether prompts are chats
   */
  private record Workload(
      BenchSettings settings, Path folder, List<String> mails, int slots, boolean chat) {}

  @Override
  public String name() {
    return "job";
  }

  @Override
  public void run(BenchSettings settings, BenchReport report) {
    report.title(
        "Job in Spark against the bare engine: %s, depth %s, synthetic mails"
            .formatted(settings.modelName(), depth(settings)));
    LiveTable table =
        report.lines(
            List.of(
                "slots",
                "mails",
                "job rows/s (min-max)",
                "engine rows/s (min-max)",
                "job / engine (min-max)",
                "job longer by s",
                "resident MiB",
                "heap MiB",
                "outside MiB"),
            List.of(
                "",
                "8192",
                "1000.0 (1000.0-1000.0)",
                "1000.0 (1000.0-1000.0)",
                "",
                "",
                "",
                "",
                ""));
    List<MemoryWatch.Peak> peaks = new ArrayList<>();
    for (Length length : LENGTHS) {
      peaks.add(measure(workload(settings, length), table, report));
    }
    ObjectNode section = report.section(name());
    long more = peaks.get(1).outside() - peaks.get(0).outside();
    section.put("second_slot_outside_heap_bytes", more);
    report.note(
        "The second task slot adds %s MiB outside the heap; weights %s, keys and values of a slot's"
                .formatted(mebibytes(more), mebibytes(section.path("weight_bytes").asLong()))
            + " longest rows %s, working memory of its largest step %s."
                .formatted(
                    mebibytes(section.path("most_kv_bytes_per_slot").asLong()),
                    mebibytes(section.path("most_activation_bytes_per_slot").asLong())));
  }

  private static String mebibytes(long bytes) {
    return BenchReport.number(bytes / 1048576.0, 0);
  }

  private static String depth(BenchSettings settings) {
    return settings.depths().isEmpty() ? "full" : settings.depths().getFirst();
  }

  /** An engine that, like the job's, remembers no prompts: turns have the same ones. */
  private static LlmEngine load(BenchSettings settings) {
    EngineConfig config = EngineConfig.DEFAULT.withDepth(depth(settings));
    EngineConfig.KeysValues none = new EngineConfig.KeysValues(config.keysValues().type(), 0);
    return LlmEngine.load(settings.modelPath(), config.withKeysValues(none));
  }

  /** As many mails as asked for, or as there is time for, as a short run of the engine tells. */
  private static Workload workload(BenchSettings settings, Length length) {
    int slots = length.slots();
    Path folder = settings.cache().resolve("job").toAbsolutePath();
    try (LlmEngine engine = load(settings);
        Threads pool = new Threads(slots)) {
      boolean chat = engine.encoder().chatTemplate().isPresent();
      Workload probe = new Workload(settings, folder, mails(PROBE_ROWS * slots), slots, chat);
      bare(engine, probe, pool);
      double rate = bare(engine, probe, pool).rate();
      double seconds = length.turns() * settings.seconds();
      int rows =
          settings.rows().orElseGet(() -> whole(Math.clamp(rate * seconds, 1, MOST_ROWS), slots));
      return new Workload(settings, folder, mails(rows), slots, chat);
    }
  }

  /** Rows that are dealt out to the slots without rest, in as many tasks each. */
  private static int whole(double rows, int slots) {
    int round = rows > slots * TASK_ROWS ? slots * TASK_ROWS : LEAST_ROWS;
    return (int) Math.max(1, Math.round(rows / round)) * round;
  }

  private static List<String> mails(int count) {
    return SyntheticMailbox.synthetic(count, 1).stream().map(mail -> mail.content()).toList();
  }

  /** Prints a line; returns the most memory of a job while no other engine is loaded. */
  private MemoryWatch.Peak measure(Workload work, LiveTable table, BenchReport report) {
    SparkSession spark =
        SparkSessions.open("nightjar bench", Map.of("spark.master", "local[" + work.slots() + "]"));
    try (Threads pool = new Threads(work.slots())) {
      write(spark, work);
      List<List<Cost>> costs;
      try (LlmEngine engine = load(work.settings())) {
        List<Turns.Trial<Cost>> trials =
            List.of(() -> job(spark, work), () -> bare(engine, work, pool));
        costs = Turns.take(trials, work.settings().budget(trials.size()));
        MemoryPlan plan = engine.memoryPlan(0);
        report
            .section(name())
            .put("weight_bytes", engine.info().weightBytes())
            .put("most_kv_bytes_per_slot", plan.kvBytesPerTask())
            .put("most_activation_bytes_per_slot", plan.activationBytesPerTask());
      }
      MemoryWatch.Peak peak = job(spark, work).peak();
      report(work, costs, peak, table, report);
      return peak;
    } finally {
      spark.stop();
    }
  }

  private void report(
      Workload work,
      List<List<Cost>> costs,
      MemoryWatch.Peak peak,
      LiveTable table,
      BenchReport report) {
    Samples job = Turns.samples(costs.get(0), Cost::rate);
    Samples bare = Turns.samples(costs.get(1), Cost::rate);
    table.add(
        List.of(
            String.valueOf(work.slots()),
            String.valueOf(work.mails().size()),
            job.text(1),
            bare.text(1),
            job.over(bare).text(3),
            BenchReport.number(work.mails().size() * (1 / job.median() - 1 / bare.median()), 2),
            mebibytes(peak.resident()),
            mebibytes(peak.heap()),
            mebibytes(peak.outside())));
    ObjectNode node = report.list(name(), "runs").addObject().put("slots", work.slots());
    node.put("rows", work.mails().size()).put("model", work.settings().modelName());
    job.put(node, "job_rows_per_second");
    bare.put(node, "engine_rows_per_second");
    job.over(bare).put(node, "job_over_engine");
    node.put("resident_bytes", peak.resident()).put("heap_bytes", peak.heap());
    node.put("outside_heap_bytes", peak.outside());
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

  private static Cost job(SparkSession spark, Workload work) {
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
    arguments.put("prompt.chat", String.valueOf(work.chat()));
    arguments.put("sampling.max-tokens", String.valueOf(MAX_TOKENS));
    arguments.put("output.path", output.toString());
    arguments.put("output.report", "off");
    arguments.put("run.progress-seconds", "0");
    arguments.put("run.rows-per-task", String.valueOf(TASK_ROWS));
    arguments.put("engine.prefix-cache", "0");
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
    Iterator<GenerationRequest> requests =
        Stream.iterate(from, row -> row < to, row -> row + 1)
            .map(row -> {
              String mail = work.mails().get(row);
              Prompt prompt =
                  work.chat()
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
