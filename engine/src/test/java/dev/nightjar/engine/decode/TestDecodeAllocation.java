package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.constraint.Constraints;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Steps allocate nothing, but where the arrays of ids and of pages become too small. */
class TestDecodeAllocation {
  private static final Kernels KERNELS = new ScalarKernels();
  private static final ModelConfig CONFIG = TinyModels.config(256, List.of());
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final int ROWS = 8;
  private static final int TOKENS = 100;

  /** From there to the end hardly an array grows. */
  private static final int FIRST_STEPS = 66;

  /** Of all rows together: a boxed number of each would be 16 bytes a row. */
  private static final long BYTES_PER_STEP = 4 * ROWS;

  private static final int MAX_ROUNDS = 12;

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.full(),
        DepthPolicy.named("random:keep=0.5"),
        DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f)),
        TinyModels.exit(CONFIG, 0.3f, false, 2, 4),
        TinyModels.exit(CONFIG, 0.3f, true, 2, 4));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void stepsAllocateNothing(DepthPolicy policy) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    KvType type = policy.gate() == null ? KvType.F32 : KvType.Q8;
    EngineConfig options =
        EngineConfig.DEFAULT
            .withMaxBatch(ROWS + 1)
            .withKeysValues(new EngineConfig.KeysValues(type, 1 << 20));
    SharedMemory memory = SharedMemory.of(model, options, Arena.ofAuto());
    long perStep = Long.MAX_VALUE;
    // Code that is still interpreted allocates more.
    for (int round = 0; round < MAX_ROUNDS && perStep > BYTES_PER_STEP; round++) {
      Rows rows = new Rows();
      try (BatchDecoder decoder =
          new BatchDecoder(
              model,
              ENCODER,
              KERNELS,
              options,
              memory,
              new Constraints(ENCODER.tokenizer(), List.of()),
              rows,
              false)) {
        rows.decoder = decoder;
        decoder.forEachRemaining(result -> assertThat(result.error()).isNull());
      }
      perStep = Math.min(perStep, rows.bytes() / (TOKENS - FIRST_STEPS));
    }
    assertThat(perStep).as(policy.spec()).isLessThanOrEqualTo(BYTES_PER_STEP);
  }

  /** A decoder with room for one row more asks for it before every step. */
  private static final class Rows implements Iterator<GenerationRequest> {
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Random random = new Random(5);
    private BatchDecoder decoder;
    private int given;
    private int steps;
    private long first;
    private long last;

    /** Bytes of the steps from the first one that counts until a row ends. */
    long bytes() {
      assertThat(steps).isGreaterThanOrEqualTo(TOKENS - 1);
      return last - first;
    }

    @Override
    public boolean hasNext() {
      if (given == ROWS && decoder.runningRows() == ROWS) {
        last = threads.getCurrentThreadAllocatedBytes();
        first = steps++ <= FIRST_STEPS ? last : first;
      }
      return given < ROWS;
    }

    @Override
    public GenerationRequest next() {
      return new GenerationRequest(
          "row-" + given++,
          new Prompt.Text(PrefixRun.text(random, 20)),
          new SamplingParams(TOKENS, 0f, 0, 1f, 0f, 1f, 0, List.of(), -1));
    }
  }
}
