package dev.nightjar.engine.decode;

import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.Hashing;
import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.KvPages;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.ModelWeights;
import dev.nightjar.engine.model.RopeConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.model.TinyModels;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Prints how much of the saved operations becomes saved time: random layers per token against the
 * dense model, both phases, one thread. Dense and thinned runs take turns within a repetition;
 * medians and quartiles are over the repetitions' ratios. Weights are random F32.
 *
 * <p>Arguments, {@code key=value}: {@code shape} ({@code embedded}, {@code 135m} or {@code
 * hidden/layers/feedForward/heads/kvHeads/headDim/vocabulary}; several joined with a comma), {@code
 * batch}, {@code keep}, {@code prompt} (tokens per row), {@code steps} (generated tokens per row),
 * {@code reps}, {@code warmup} (seconds per batch size).
 *
 * <p>{@code java --add-modules jdk.incubator.vector -cp ... dev.nightjar.engine.decode.DepthBench
 * shape=embedded,135m}
 */
final class DepthBench {
  private static final Map<String, String> DEFAULTS =
      Map.of(
          "shape", "embedded",
          "batch", "1,8,32,64",
          "keep", "0.75,0.5,0.25",
          "prompt", "64",
          "steps", "16",
          "reps", "9",
          "warmup", "10");
  private static final Map<String, String> SHAPES =
      Map.of("embedded", "192/12/512/6/2/32/2048", "135m", "576/30/1536/9/3/64/49152");
  private static final int CHUNK = 128;
  private static final int STEP_TOKENS = 512;
  private static final String[] PHASES = {"prefill", "decode"};

  private final Map<String, String> options = new HashMap<>(DEFAULTS);
  private final List<String> csv = new ArrayList<>();

  /** Nanoseconds and operations of one run, by phase. */
  private record Cost(double[] nanos, double[] flops) {}

  private DepthBench() {}

  public static void main(String[] args) {
    DepthBench bench = new DepthBench();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      String key = equals < 0 ? arg : arg.substring(0, equals);
      if (equals < 0 || !DEFAULTS.containsKey(key)) {
        throw new IllegalArgumentException(arg + "; expected key=value of " + DEFAULTS);
      }
      bench.options.put(key, arg.substring(equals + 1));
    }
    for (String shape : bench.options.get("shape").split(",")) {
      bench.run(shape);
    }
    System.out.println("\nshape,batch,phase,keep,us_dense,us,speedup_q1,speedup,speedup_q3,flops");
    bench.csv.forEach(System.out::println);
  }

  private int number(String key) {
    return Integer.parseInt(options.get(key));
  }

  private static ModelConfig config(String shape, int positions) {
    int[] n = Arrays.stream(shape.split("/")).mapToInt(Integer::parseInt).toArray();
    return new ModelConfig(
        "llama",
        n[6],
        n[0],
        n[1],
        n[3],
        n[4],
        n[5],
        n[2],
        1e-5f,
        new RopeConfig(10_000, new RopeConfig.None()),
        true,
        false,
        false,
        false,
        positions,
        -1,
        List.of(0));
  }

  private void run(String name) {
    ModelConfig config =
        config(SHAPES.getOrDefault(name, name), number("prompt") + number("steps"));
    Kernels kernels = Kernels.best();
    double[] keeps =
        Arrays.stream(options.get("keep").split(",")).mapToDouble(Double::parseDouble).toArray();
    System.out.printf(
        Locale.ROOT,
        "%n%s: %s, %s, Java %s, prompt %d, steps %d, %d repetitions after %d s%n%n",
        name,
        SHAPES.getOrDefault(name, name),
        kernels.description(),
        Runtime.version(),
        number("prompt"),
        number("steps"),
        number("reps"),
        number("warmup"));
    System.out.println(
        "| batch | phase | keep | dense µs/token | µs/token | speed-up (quartiles)"
            + " | fewer operations | speed-up / fewer operations (quartiles) |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    try (Arena arena = Arena.ofShared()) {
      ModelWeights weights =
          ModelWeights.load(
              TinyModels.source(config, 1), LowRankUpdates.none(config.numLayers()), arena);
      LlamaModel[] models = new LlamaModel[keeps.length + 1];
      models[0] = new LlamaModel(weights, kernels, DepthPolicy.full());
      for (int i = 0; i < keeps.length; i++) {
        double[] rates = RandomSkip.uniformRates(config.numLayers(), keeps[i]);
        DepthPolicy policy = DepthPolicy.named("random").with(new RandomSkip(rates, 1));
        models[i + 1] = new LlamaModel(weights, kernels, policy);
      }
      for (String batch : options.get("batch").split(",")) {
        report(name, Integer.parseInt(batch), keeps, measure(models, kernels, batch));
      }
    }
  }

  /** {@code [model][repetition]}; within a repetition the models take turns, each first in turn. */
  private Cost[][] measure(LlamaModel[] models, Kernels kernels, String batch) {
    Cost[][] costs = new Cost[models.length][number("reps")];
    Activations act = new Activations(models[0].config(), kernels);
    KvPages pages = new KvPages(models[0].config());
    long warm = System.nanoTime() + number("warmup") * 1_000_000_000L;
    int round = 0;
    for (int rep = -1; rep < number("reps"); round++) {
      for (int turn = 0; turn < models.length; turn++) {
        int model = (turn + round) % models.length;
        Cost cost = once(models[model], act, pages, Integer.parseInt(batch));
        if (rep >= 0) {
          costs[model][rep] = cost;
        }
      }
      if (rep >= 0 || System.nanoTime() >= warm) {
        rep++;
      }
    }
    return costs;
  }

  private Cost once(LlamaModel model, Activations act, KvPages pages, int batch) {
    int prompt = number("prompt");
    int steps = number("steps");
    SequenceState[] rows = new SequenceState[batch];
    int[][] tokens = new int[batch][];
    for (int i = 0; i < batch; i++) {
      RowContext row = new RowContext(Hashing.of("row-" + i), prompt, steps);
      rows[i] = new SequenceState(model.config(), pages, model.policy(), row, false);
      tokens[i] = new Random(i).ints(prompt + steps, 0, model.config().vocabSize()).toArray();
    }
    Step step = new Step();
    long start = System.nanoTime();
    int chunk = Math.min(CHUNK, prompt);
    int together = STEP_TOKENS / chunk;
    for (int first = 0; first < batch; first += together) {
      for (int from = 0; from < prompt; from += chunk) {
        step.clear();
        for (int i = first; i < Math.min(batch, first + together); i++) {
          for (int p = from; p < Math.min(prompt, from + chunk); p++) {
            step.add(rows[i], tokens[i][p], p, true, p == prompt - 1);
          }
        }
        model.forward(step, act);
      }
    }
    long prefilled = System.nanoTime();
    double prefillFlops = flops(rows);
    long middle = System.nanoTime();
    for (int p = prompt; p < prompt + steps; p++) {
      step.clear();
      for (int i = 0; i < batch; i++) {
        step.add(rows[i], tokens[i][p], p, false, true);
      }
      model.forward(step, act);
    }
    long end = System.nanoTime();
    double decodeFlops = flops(rows) - prefillFlops;
    for (SequenceState row : rows) {
      row.release();
    }
    return new Cost(
        new double[] {prefilled - start, end - middle}, new double[] {prefillFlops, decodeFlops});
  }

  private static double flops(SequenceState[] rows) {
    double sum = 0;
    for (SequenceState row : rows) {
      sum += row.stats("").flops();
    }
    return sum;
  }

  private void report(String shape, int batch, double[] keeps, Cost[][] costs) {
    for (int phase = 0; phase < PHASES.length; phase++) {
      double tokens = 1e3 * batch * number(phase == 0 ? "prompt" : "steps");
      for (int model = 1; model < costs.length; model++) {
        int reps = costs[0].length;
        double[] dense = new double[reps];
        double[] thin = new double[reps];
        double[] ratio = new double[reps];
        for (int rep = 0; rep < reps; rep++) {
          dense[rep] = costs[0][rep].nanos()[phase] / tokens;
          thin[rep] = costs[model][rep].nanos()[phase] / tokens;
          ratio[rep] = dense[rep] / thin[rep];
        }
        double fewer = costs[0][0].flops()[phase] / costs[model][0].flops()[phase];
        double low = quantile(ratio, 0.25);
        double mid = quantile(ratio, 0.5);
        double high = quantile(ratio, 0.75);
        System.out.printf(
            Locale.ROOT,
            "| %d | %s | %s | %.1f | %.1f | %.2f (%.2f-%.2f) | %.2f | %.2f (%.2f-%.2f) |%n",
            batch,
            PHASES[phase],
            keeps[model - 1],
            quantile(dense, 0.5),
            quantile(thin, 0.5),
            mid,
            low,
            high,
            fewer,
            mid / fewer,
            low / fewer,
            high / fewer);
        csv.add(
            String.format(
                Locale.ROOT,
                "%s,%d,%s,%s,%.2f,%.2f,%.4f,%.4f,%.4f,%.4f",
                shape,
                batch,
                PHASES[phase],
                keeps[model - 1],
                quantile(dense, 0.5),
                quantile(thin, 0.5),
                low,
                mid,
                high,
                fewer));
      }
    }
  }

  private static double quantile(double[] values, double q) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(sorted.length - 1, below + 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
