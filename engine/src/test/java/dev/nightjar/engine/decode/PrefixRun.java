package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.constraint.Constraints;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Rows through the tiny model, with memory that their decoders share. */
public final class PrefixRun {
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());

  private final ModelConfig config;
  private final Kernels kernels;
  private final List<GenerationRequest> requests;
  private List<GenerationResult> results = List.of();
  private SharedMemory memory;

  /** Rows that go through in this order. */
  public PrefixRun(ModelConfig config, Kernels kernels, List<GenerationRequest> requests) {
    this.config = config;
    this.kernels = kernels;
    this.requests = requests;
  }

  /** Rows of all tasks; most prompts begin with one of two texts of this length. */
  public static List<GenerationRequest> requests(int count, int shared) {
    Random random = new Random(17);
    String[] beginnings = {text(random, shared), text(random, shared), ""};
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String prompt = beginnings[i % 7 % 3] + text(random, 1 + random.nextInt(40));
      SamplingParams sampling =
          new SamplingParams(
              1 + random.nextInt(9),
              i % 2,
              0,
              0.95f,
              0f,
              1.1f,
              42L,
              List.of(),
              i % 4 == 0 ? 2 : -1);
      Task task =
          switch (i % 8) {
            case 3 -> Task.Choose.of(List.of("ab", "cd"));
            case 5 -> new Task.Embed(Task.Pooling.LAST, true);
            case 6 -> new Task.Embed(Task.Pooling.MEAN, true);
            default -> new Task.Generate(sampling);
          };
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(prompt), task));
    }
    return out;
  }

  static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }

  /** Options with a prefix cache of this size. */
  public static EngineConfig withCache(EngineConfig options, long bytes) {
    return options.withKeysValues(new EngineConfig.KeysValues(options.keysValues().type(), bytes));
  }

  /** What the rows got, by key, but their times and what of it was shared. */
  public Map<String, Object> answers(DepthPolicy policy, EngineConfig options) {
    LlamaModel model = TinyModels.model(config, kernels, policy);
    memory = SharedMemory.of(model, options, Arena.ofAuto());
    results = run(model, options, memory, requests);
    return answers(results);
  }

  List<GenerationResult> run(
      LlamaModel model, EngineConfig options, SharedMemory shared, List<GenerationRequest> rows) {
    List<GenerationResult> out = new ArrayList<>();
    try (BatchDecoder decoder = decoder(model, options, shared, rows)) {
      decoder.forEachRemaining(out::add);
    }
    return out;
  }

  BatchDecoder decoder(
      LlamaModel model, EngineConfig options, SharedMemory shared, List<GenerationRequest> rows) {
    return decoder(model, options, shared, rows, false);
  }

  BatchDecoder decoder(
      LlamaModel model,
      EngineConfig options,
      SharedMemory shared,
      List<GenerationRequest> rows,
      boolean traced) {
    Constraints constraints = new Constraints(ENCODER.tokenizer(), config.eosTokenIds());
    return new BatchDecoder(
        model, ENCODER, kernels, options, shared, constraints, rows.iterator(), traced);
  }

  static Map<String, Object> answers(List<GenerationResult> results) {
    Map<String, Object> answers = new HashMap<>();
    for (GenerationResult r : results) {
      ComputeStats compute = r.compute();
      answers.put(
          r.key(),
          List.of(
              String.valueOf(r.text()),
              r.tokenIds(),
              String.valueOf(r.finishReason()),
              String.valueOf(r.error()),
              r.cumulativeLogprob(),
              r.logprobs(),
              finding(r),
              r.usage().promptTokens(),
              compute.kvBytes(),
              compute.kvBytesFull(),
              compute.flopsFull(),
              compute.layersExecuted(),
              compute.layersSkipped(),
              compute.layersExited(),
              compute.exitLayerHistogram()));
    }
    return answers;
  }

  private static String finding(GenerationResult result) {
    return result.finding() instanceof Finding.Embedding embedding
        ? Arrays.toString(embedding.vector())
        : String.valueOf(result.finding());
  }

  /** Prompt tokens of the last run that were shared. */
  public int cachedTokens() {
    return results.stream().mapToInt(r -> r.usage().cachedTokens()).sum();
  }

  List<GenerationResult> results() {
    return results;
  }

  SharedMemory memory() {
    return memory;
  }
}
