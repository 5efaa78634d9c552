package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import java.util.ArrayList;
import java.util.List;

/**
 * What the prefix cache saves where all prompts share a long beginning: many rows with it and a few
 * without it in turns, one token each. Without it all rows cost the same, so few tell what many
 * take.
 */
final class PrefixSection implements Section {
  private static final int PREFIX_TOKENS = 512;
  private static final int OWN_TOKENS = 32;
  private static final int ROWS = 200;
  private static final int QUICK_ROWS = 40;
  private static final int ROWS_WITHOUT = 8;
  private static final int QUICK_ROWS_WITHOUT = 4;

  /** Time, operations and tokens taken from the cache of one pass over some rows. */
  private record Cost(double seconds, double flops, long cachedTokens) {
    /** The same for more rows of the kind; none of them finds anything in a cache. */
    Cost times(double factor) {
      return new Cost(seconds * factor, flops * factor, 0);
    }
  }

  @Override
  public String name() {
    return "prefix";
  }

  @Override
  public void run(BenchSettings settings, BenchReport report) {
    int rows = settings.quick() ? QUICK_ROWS : ROWS;
    int few = settings.quick() ? QUICK_ROWS_WITHOUT : ROWS_WITHOUT;
    long[] seed = {0};
    EngineConfig config = EngineConfig.DEFAULT;
    EngineConfig.KeysValues none = new EngineConfig.KeysValues(config.keysValues().type(), 0);
    try (LlmEngine caching = LlmEngine.load(settings.modelPath(), config);
        LlmEngine plain = LlmEngine.load(settings.modelPath(), config.withKeysValues(none))) {
      if (plain.info().contextLength() <= PREFIX_TOKENS + OWN_TOKENS) {
        report.note("prefix: the context of this model is too short for " + PREFIX_TOKENS);
        return;
      }
      List<Turns.Trial<Cost>> trials =
          List.of(
              () -> once(caching, rows(caching, rows, ++seed[0])),
              () -> once(plain, rows(plain, few, ++seed[0])).times((double) rows / few));
      List<List<Cost>> costs = Turns.take(trials, settings.budget(trials.size()));
      report(settings, rows, few, costs, report);
    }
  }

  private void report(
      BenchSettings settings, int rows, int few, List<List<Cost>> costs, BenchReport report) {
    Samples cache = Turns.samples(costs.get(0), Cost::seconds);
    Samples without = Turns.samples(costs.get(1), Cost::seconds);
    Samples faster = without.over(cache);
    double least = PREFIX_TOKENS + (double) rows * OWN_TOKENS;
    double expected = (double) rows * (PREFIX_TOKENS + OWN_TOKENS) / least;
    double fewer = costs.get(1).getFirst().flops() / costs.get(0).getFirst().flops();
    long cached = costs.get(0).getFirst().cachedTokens();
    report.title(
        "%d prompts of %d tokens that begin with the same %d, one token each: %s"
            .formatted(rows, PREFIX_TOKENS + OWN_TOKENS, PREFIX_TOKENS, settings.modelName()));
    report.table(
        List.of(
            "prefix cache",
            "seconds (min-max)",
            "tokens from the cache",
            "speed-up",
            "fewer operations",
            "realised (min-max)",
            "at most"),
        List.of(
            List.of(
                "on",
                cache.text(2),
                String.valueOf(cached),
                BenchReport.number(faster.median(), 2),
                BenchReport.number(fewer, 2),
                faster.times(1 / fewer).text(2),
                BenchReport.number(expected, 2)),
            List.of("off", without.text(2), "0", "1.00", "1.00", "", "")));
    report.note("off: the time of " + few + " rows, times " + rows + " over " + few);
    ObjectNode node = report.section(name());
    node.put("model", settings.modelName()).put("rows", rows).put("cached_tokens", cached);
    node.put("rows_measured_without", few);
    node.put("prefix_tokens", PREFIX_TOKENS).put("own_tokens", OWN_TOKENS);
    cache.put(node, "seconds_with_cache");
    without.put(node, "seconds_without_cache");
    faster.put(node, "speed_up");
    node.put("fewer_operations", Samples.rounded(fewer));
    node.put("most_speed_up_in_tokens", Samples.rounded(expected));
    faster.times(1 / fewer).put(node, "realised");
  }

  /** Other seeds give other rows, so that nothing is left in the cache from an earlier turn. */
  private static List<GenerationRequest> rows(LlmEngine engine, int count, long seed) {
    int vocabulary = engine.info().vocabSize();
    List<GenerationRequest> rows = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      long own = seed * 4096 + row + 1;
      List<Integer> tokens =
          new ArrayList<>(EngineRun.randomTokens(vocabulary, PREFIX_TOKENS, seed * 4096));
      tokens.addAll(EngineRun.randomTokens(vocabulary, OWN_TOKENS, -own));
      rows.add(
          new GenerationRequest(
              "row-" + row, new Prompt.TokenIds(tokens), SamplingParams.greedy(1)));
    }
    return rows;
  }

  private static Cost once(LlmEngine engine, List<GenerationRequest> rows) {
    double flops = 0;
    long cached = 0;
    long start = System.nanoTime();
    List<GenerationResult> results = engine.generate(rows);
    double seconds = (System.nanoTime() - start) / 1e9;
    for (GenerationResult result : results) {
      flops += result.compute().flops();
      cached += result.usage().cachedTokens();
    }
    return new Cost(seconds, flops, cached);
  }
}
