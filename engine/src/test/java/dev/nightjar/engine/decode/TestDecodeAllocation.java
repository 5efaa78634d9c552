package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Steps allocate nothing: what a token costs is its place in the result. */
class TestDecodeAllocation {
  private static final Kernels KERNELS = new ScalarKernels();
  private static final ModelConfig CONFIG = TinyModels.config(256, List.of());
  private static final int ROWS = 8;

  /** A boxed id, its place in lists, its text, and the bytes that the test's tokenizer makes. */
  private static final long BYTES_PER_TOKEN = 160;

  private static final int LEAST_ROUNDS = 6;
  private static final int MAX_ROUNDS = 30;

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.full(),
        DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f)),
        TinyModels.exit(CONFIG, 0.3f, false, 2, 4),
        TinyModels.exit(CONFIG, 0.3f, true, 2, 4));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void generatedTokensAllocateOnlyTheirResult(DepthPolicy policy) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    for (KvType type : types(policy)) {
      EngineConfig options =
          EngineConfig.DEFAULT.withKeysValues(new EngineConfig.KeysValues(type, 1 << 20));
      SharedMemory memory = SharedMemory.of(model, options, Arena.ofAuto());
      long few = Long.MAX_VALUE;
      long many = Long.MAX_VALUE;
      long perToken = Long.MAX_VALUE;
      // Code that is still interpreted allocates more.
      for (int round = 0;
          round < LEAST_ROUNDS || (round < MAX_ROUNDS && perToken > BYTES_PER_TOKEN);
          round++) {
        few = Math.min(few, allocated(model, options, memory, 20));
        many = Math.min(many, allocated(model, options, memory, 220));
        perToken = (many - few) / (200 * ROWS);
      }
      assertThat(perToken).as(policy.spec() + " " + type).isLessThanOrEqualTo(BYTES_PER_TOKEN);
    }
  }

  private static List<KvType> types(DepthPolicy policy) {
    return policy.gate() == null ? List.of(KvType.F32) : List.of(KvType.Q8);
  }

  /** Bytes that rows with this many generated tokens allocate, beginning and end included. */
  private static long allocated(
      LlamaModel model, EngineConfig options, SharedMemory memory, int maxTokens) {
    Random random = new Random(5);
    List<GenerationRequest> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      rows.add(
          new GenerationRequest(
              "row-" + i,
              new Prompt.Text(PrefixRun.text(random, 20)),
              new SamplingParams(maxTokens, 0f, 0, 1f, 0f, 1f, 0, List.of(), -1)));
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, rows);
    try (BatchDecoder decoder = run.decoder(model, options, memory, rows)) {
      long before = threads.getCurrentThreadAllocatedBytes();
      assertThat(decoder.hasNext()).isTrue();
      return threads.getCurrentThreadAllocatedBytes() - before;
    }
  }
}
