package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import dev.nightjar.engine.LlmEngine;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Bytes that a decoder's thread allocates per token once it is under way: the difference between a
 * long and a short run, so that what a row costs once does not count.
 */
final class AllocationSection implements Section {
  private static final int SHORT = 32;
  private static final int LONG = 96;
  private static final int PROMPT_TOKENS = 16;
  private static final int WARM_UPS = 20;
  private static final List<Integer> BATCHES = List.of(1, 32);

  /** What a run allocated, and the tokens it generated. */
  private record Allocated(long bytes, long tokens) {}

  @Override
  public String name() {
    return "allocation";
  }

  @Override
  public void run(BenchSettings settings, BenchReport report) {
    if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean counter)
        || !counter.isThreadAllocatedMemorySupported()) {
      report.note("allocation: this JVM does not count what threads allocate");
      return;
    }
    report.title("Bytes allocated per generated token, " + settings.modelName());
    List<List<String>> table = new ArrayList<>();
    try (Threads pool = new Threads(1)) {
      Callable<Long> identity = () -> Thread.currentThread().threadId();
      long thread = pool.run(List.of(identity)).getFirst();
      for (int batch : settings.batchesOr(BATCHES)) {
        LlmEngine engine = LlmEngine.load(settings.modelPath(), EngineRun.config("full", batch, 1));
        try (engine) {
          for (int i = 0; i < WARM_UPS; i++) {
            allocated(engine, batch, SHORT, pool, counter, thread);
          }
          double[] perToken = new double[settings.rounds()];
          for (int round = 0; round < perToken.length; round++) {
            Allocated few = allocated(engine, batch, SHORT, pool, counter, thread);
            Allocated many = allocated(engine, batch, LONG, pool, counter, thread);
            perToken[round] =
                (many.bytes() - few.bytes()) / (double) (many.tokens() - few.tokens());
          }
          Samples samples = new Samples(perToken);
          ObjectNode node = report.list(name(), "runs").addObject().put("batch", batch);
          samples.put(node, "bytes_per_token");
          table.add(List.of("decode", "batch " + batch, samples.text(0)));
        }
      }
    }
    report.table(List.of("phase", "rows in flight", "bytes (min-max)"), table);
  }

  private static Allocated allocated(
      LlmEngine engine, int batch, int steps, Threads pool, ThreadMXBean counter, long thread) {
    EngineRun run = new EngineRun(engine, batch, 1, PROMPT_TOKENS, steps);
    long before = counter.getThreadAllocatedBytes(thread);
    long tokens = run.once(pool, before).decodeTokens();
    return new Allocated(counter.getThreadAllocatedBytes(thread) - before, tokens);
  }
}
