package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The same GGUF file through this engine and through llama.cpp's libraries from npm, in turns: its
 * own choice for this machine, and builds for processors with less; at batch 1 also the shape
 * through Jlama from Maven Central, which runs one sequence at a time and reads no GGUF. This
 * engine runs as in a job, one decoder per core, where the rows can be dealt out. llama.cpp draws
 * no tokens and makes no text here, this engine does both.
 */
final class PeerSection implements Section {
  private static final List<Integer> BATCHES = List.of(1, 4, 16, 32, 64);
  private static final List<Integer> QUICK_BATCHES = List.of(1, 32);
  private static final SyntheticModel MODEL =
      new SyntheticModel(ModelShape.SMOLLM2_135M, DType.Q8_0);

  /** What llama.cpp takes by itself, then libraries for older processors. */
  private static final List<String> BACKENDS = List.of(LlamaCppServer.AUTO, "icelake", "haswell");

  @Override
  public String name() {
    return "peers";
  }

  @Override
  public void run(BenchSettings settings, BenchReport report) {
    SyntheticModel made = settings.synthetic().orElse(MODEL);
    Path model = settings.file(made);
    report.title(
        "Peers on the same file, %s, %d threads, rows of prompt tokens + steps"
            .formatted(made.name(), settings.threads()));
    ObjectNode section = report.section(name());
    section.put("model", made.name()).put("threads", settings.threads());
    List<PeerProcess> peers = new ArrayList<>();
    try {
      start(settings, made, model, peers, report);
      if (peers.isEmpty()) {
        report.note("peers: none runs here");
        return;
      }
      agreement(settings, model, peers, report);
      LiveTable table =
          report.lines(
              List.of(
                  "phase",
                  "engine",
                  "batch",
                  "tokens a row",
                  "tokens/s (min-max)",
                  "nightjar / it (min-max)"),
              List.of("prefill", "llama.cpp (icelake)", "", "", "1000.0 (1000.0-1000.0)", ""));
      try (Threads pool = new Threads(settings.threads())) {
        for (int batch : settings.batchesOr(settings.quick() ? QUICK_BATCHES : BATCHES)) {
          measure(settings, model, batch, pool, peers, table, report);
        }
      }
    } finally {
      peers.forEach(PeerProcess::close);
    }
  }

  private static void start(
      BenchSettings settings,
      SyntheticModel made,
      Path model,
      List<PeerProcess> peers,
      BenchReport report) {
    try {
      Path libraries = LlamaCppPackage.fetch(settings.cache());
      for (String backend : settings.quick() ? BACKENDS.subList(0, 1) : BACKENDS) {
        try {
          int vocabSize = made.shape().vocabSize();
          int threads = settings.threads();
          add(PeerProcess.llamaCpp(libraries, backend, model, threads, vocabSize), peers, report);
        } catch (IOException e) {
          report.note("peers: " + e.getMessage());
        }
      }
    } catch (IOException e) {
      report.note("peers: llama.cpp cannot be fetched with npm: " + e.getMessage());
    }
    try {
      Path jars = JlamaPackage.fetch(settings.cache());
      Path folder = new SyntheticFolder(made.shape()).folder(settings.cache().resolve("models"));
      PeerProcess jlama = PeerProcess.jlama(jars, folder, settings.threads());
      jlama.run(1, 1, 1);
      add(jlama, peers, report);
    } catch (IOException | UncheckedIOException e) {
      report.note("peers: Jlama does not run: " + e.getMessage());
    }
  }

  private static void add(PeerProcess peer, List<PeerProcess> peers, BenchReport report) {
    peers.add(peer);
    report.section("peers").withObject("/systems").put(peer.name(), peer.systemInfo());
    report.note(peer.name() + ": " + peer.systemInfo());
  }

  /** Whether all mean the same model: their likeliest token after a few random ones. */
  private void agreement(
      BenchSettings settings, Path model, List<PeerProcess> peers, BenchReport report) {
    List<Integer> tokens = EngineRun.randomTokens(256, 16, 5);
    try (LlmEngine engine =
        LlmEngine.load(model, EngineRun.config(settings.kvType(), "full", 1, 1))) {
      int[] best = {0};
      float[] value = {0};
      engine.score(
          tokens.stream().mapToInt(Integer::intValue).toArray(),
          (position, logits, offset) -> {
            if (position == tokens.size() - 1) {
              best[0] = 0;
              for (int id = 1; id < engine.info().vocabSize(); id++) {
                best[0] = logits[offset + id] > logits[offset + best[0]] ? id : best[0];
              }
              value[0] = logits[offset + best[0]];
            }
          });
      StringBuilder line =
          new StringBuilder(
              "likeliest token (logit): nightjar %d (%.3f)".formatted(best[0], value[0]));
      for (PeerProcess peer : peers.stream().filter(PeerProcess::batches).toList()) {
        PeerProcess.Top top = peer.top(tokens);
        line.append(", %s %d (%.3f)".formatted(peer.name(), top.token(), top.logit()));
      }
      report.note(line.toString());
      report.section(name()).put("agreement", line.toString());
    } catch (IOException e) {
      report.note("peers: " + e.getMessage());
    }
  }

  private void measure(
      BenchSettings settings,
      Path model,
      int batch,
      Threads pool,
      List<PeerProcess> peers,
      LiveTable table,
      BenchReport report) {
    int most = Math.max(1, settings.threads() / settings.cores());
    int decoders = batch % most == 0 ? most : 1;
    int cores = settings.threads() / decoders;
    int each = batch / decoders;
    try (LlmEngine engine =
        LlmEngine.load(model, EngineRun.config(settings.kvType(), "full", each, cores))) {
      EngineRun.Size size = EngineRun.Size.fitting(settings, engine, each, decoders, pool);
      EngineRun run = new EngineRun(engine, each, decoders, size);
      List<String> names = new ArrayList<>();
      List<Turns.Trial<EngineRun.Cost>> trials = new ArrayList<>();
      long[] seed = {0};
      names.add("nightjar (%d x %d)".formatted(decoders, cores));
      trials.add(() -> run.once(pool, ++seed[0]));
      for (PeerProcess peer : peers) {
        if (batch > 1 && !peer.batches()) {
          continue;
        }
        names.add(peer.name());
        trials.add(() -> peer.run(batch, size.promptTokens(), size.steps()));
      }
      List<List<EngineRun.Cost>> costs = Turns.take(trials, settings.budget(2 * trials.size()));
      report("prefill", EngineRun.Cost::prefillRate, batch, size, names, costs, table, report);
      report("decode", EngineRun.Cost::decodeRate, batch, size, names, costs, table, report);
    }
  }

  /** Rates of one phase, and ours over each peer's. */
  private void report(
      String phase,
      ToDoubleFunction<EngineRun.Cost> rate,
      int batch,
      EngineRun.Size size,
      List<String> names,
      List<List<EngineRun.Cost>> costs,
      LiveTable table,
      BenchReport report) {
    List<Samples> rates = costs.stream().map(runs -> Turns.samples(runs, rate)).toList();
    for (int i = 0; i < names.size(); i++) {
      Samples ratio = rates.getFirst().over(rates.get(i));
      table.add(
          List.of(
              phase,
              names.get(i),
              String.valueOf(batch),
              size.text(),
              rates.get(i).text(rates.get(i).median() < 100 ? 1 : 0),
              i == 0 ? "" : ratio.text(2)));
      ObjectNode node = report.list(name(), "runs").addObject();
      node.put("phase", phase).put("engine", names.get(i)).put("batch", batch);
      node.put("tokens", size.text());
      rates.get(i).put(node, "tokens_per_second");
      if (i > 0) {
        ratio.put(node, "nightjar_over_it");
      }
    }
  }
}
