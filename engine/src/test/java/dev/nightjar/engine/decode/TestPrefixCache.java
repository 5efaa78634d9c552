package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowTrace;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prompt beginnings are computed once, and nothing but the work tells. */
class TestPrefixCache {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(640);
  private static final DepthPolicy GATED =
      DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f));
  private static final int LAYERS = CONFIG.numLayers();
  private static final long ROOMY = 64L << 20;

  private static List<GenerationRequest> sharing(int count, int shared) {
    Random random = new Random(3);
    String beginning = PrefixRun.text(random, shared);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String prompt = beginning + PrefixRun.text(random, 10 + random.nextInt(30));
      out.add(
          new GenerationRequest(
              "row-" + i, new Prompt.Text(prompt), SamplingParams.greedy(1 + i % 3)));
    }
    return out;
  }

  private static long promptCells(List<GenerationResult> results) {
    long cells = 0;
    for (GenerationResult result : results) {
      ComputeStats c = result.compute();
      int made = result.usage().completionTokens();
      cells += c.layersExecutedPrefill() + c.layersExecuted() - (long) LAYERS * (made - 1);
    }
    return cells;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 48, 128})
  void beginningOfAColdBatchIsComputedOnce(int chunk) {
    int shared = 512;
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, sharing(200, shared));
    EngineConfig options = EngineConfig.DEFAULT.withPromptChunk(chunk);
    run.answers(DepthPolicy.full(), PrefixRun.withCache(options, ROOMY));
    long tokens = 0;
    for (GenerationResult result : run.results()) {
      tokens += result.usage().promptTokens();
      ComputeStats c = result.compute();
      int computed = result.usage().promptTokens() - result.usage().cachedTokens();
      assertThat(c.layersExecutedPrefill()).isEqualTo((long) LAYERS * (computed - 1));
      assertThat(c.flops()).isEqualTo(flops(result, result.usage().cachedTokens()));
      assertThat(c.flopsFull()).isEqualTo(flops(result, 0));
    }
    assertThat(run.cachedTokens()).isEqualTo(199 * shared);
    assertThat(promptCells(run.results())).isEqualTo(LAYERS * (tokens - 199 * shared));
  }

  /** From the definition: slots behind the first {@code skipped} ones, and heads. */
  private static double flops(GenerationResult result, int skipped) {
    int made = result.usage().completionTokens();
    int slots = result.usage().promptTokens() + made - 1;
    long macs = made * CONFIG.headMacs();
    for (int slot = skipped; slot < slots; slot++) {
      macs += LAYERS * (CONFIG.layerMacs() + 2L * (slot + 1) * CONFIG.queryDim());
    }
    return 2.0 * macs;
  }

  @Test
  void lastPromptTokenIsAlwaysComputed() {
    String prompt = PrefixRun.text(new Random(1), 64);
    List<GenerationRequest> twice = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String text = prompt.substring(0, 64 - i / 2);
      twice.add(new GenerationRequest("row-" + i, new Prompt.Text(text), SamplingParams.greedy(3)));
    }
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, twice);
    run.answers(DepthPolicy.full(), PrefixRun.withCache(EngineConfig.DEFAULT, ROOMY));
    assertThat(run.results().stream().map(r -> r.usage().cachedTokens()))
        .containsExactly(0, 48, 48);
  }

  @Test
  void tracesOfRowsThatShareABeginningAddUpToTheirCounters() {
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, sharing(20, 64));
    EngineConfig options = PrefixRun.withCache(EngineConfig.DEFAULT, ROOMY);
    Map<String, Object> expected = run.answers(GATED, options);
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, GATED);
    SharedMemory memory = SharedMemory.of(model, options, Arena.ofAuto());
    List<GenerationResult> traced = new ArrayList<>();
    try (BatchDecoder decoder = run.decoder(model, options, memory, sharing(20, 64), true)) {
      while (decoder.hasNext()) {
        GenerationResult result = decoder.next();
        RowTrace trace = decoder.lastTrace();
        int slots = result.usage().promptTokens() + result.usage().completionTokens() - 1;
        long cells = 0;
        for (int slot = 0; slot < trace.slots(); slot++) {
          assertThat(trace.layers(slot).isEmpty()).isEqualTo(slot < trace.cachedSlots());
          cells += trace.layers(slot).cardinality();
        }
        assertThat(trace.slots()).isEqualTo(slots);
        assertThat(trace.cachedSlots()).isEqualTo(result.usage().cachedTokens());
        assertThat(cells).isEqualTo(result.compute().cellsExecuted());
        traced.add(result);
      }
    }
    assertThat(PrefixRun.answers(traced)).isEqualTo(expected);
    assertThat(traced.getLast().usage().cachedTokens()).isEqualTo(64);
  }

  @Test
  void decodersInSeveralThreadsShareAndAnswersStayTheSame() throws Exception {
    List<GenerationRequest> rows = PrefixRun.requests(96, 100);
    for (DepthPolicy policy : List.of(DepthPolicy.full(), GATED)) {
      PrefixRun run = new PrefixRun(CONFIG, KERNELS, rows);
      Map<String, Object> expected =
          run.answers(policy, PrefixRun.withCache(EngineConfig.DEFAULT, 0));
      for (long bytes : new long[] {ROOMY, 150_000}) {
        EngineConfig options = PrefixRun.withCache(EngineConfig.DEFAULT.withMaxBatch(8), bytes);
        LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
        SharedMemory memory = SharedMemory.of(model, options, Arena.ofAuto());
        List<Callable<List<GenerationResult>>> decoders = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          List<GenerationRequest> own = rows.subList(32 * i, 32 * i + 32);
          decoders.add(() -> run.run(model, options, memory, own));
        }
        Map<String, Object> found = new HashMap<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
          for (Future<List<GenerationResult>> part : threads.invokeAll(decoders)) {
            found.putAll(PrefixRun.answers(part.get()));
          }
        }
        assertThat(found).isEqualTo(expected);
        assertThat(memory.prefixes().bytesInUse()).isBetween(1L, bytes);
        assertThat(memory.pool().bytesInUse()).isLessThan(memory.prefixes().bytesInUse());
      }
    }
  }

  @Test
  void pagesGoBackWhenRowsEndAndBeginningsLeave() {
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, sharing(40, 200));
    run.answers(GATED, PrefixRun.withCache(EngineConfig.DEFAULT, 1));
    assertThat(run.cachedTokens()).isZero();
    assertThat(run.memory().prefixes().bytesInUse()).isZero();
    assertThat(run.memory().pool().bytesInUse()).isZero();
    assertThat(run.memory().pool().bytesReserved()).isZero();
    run.answers(GATED, PrefixRun.withCache(EngineConfig.DEFAULT, 0));
    assertThat(run.memory().prefixes()).isNull();
    assertThat(run.memory().pool().bytesInUse()).isZero();
  }

  @Test
  void closedDecoderGivesItsMemoryBack() {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    SharedMemory memory = SharedMemory.alone(model, EngineConfig.DEFAULT);
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, List.of());
    BatchDecoder decoder = run.decoder(model, EngineConfig.DEFAULT, memory, sharing(50, 100));
    decoder.next();
    assertThat(memory.pool().bytesInUse()).isPositive();
    decoder.close();
    assertThat(decoder.hasNext()).isFalse();
    assertThat(memory.pool().bytesInUse()).isZero();
    assertThat(memory.pool().bytesReserved()).isZero();
  }
}
