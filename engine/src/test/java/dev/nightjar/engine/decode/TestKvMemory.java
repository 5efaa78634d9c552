package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import dev.nightjar.engine.model.KvPool;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Memory for keys and values, and the order in which rows get at it. */
class TestKvMemory {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);

  private static EngineConfig options(int batch, int chunk, long maxKvBytes, KvType type) {
    return new EngineConfig("full", batch, chunk, 64, maxKvBytes, EngineConfig.Overlong.ERROR)
        .withKeysValues(new EngineConfig.KeysValues(type, 0));
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void answersDoNotDependOnBatchChunkOrKernelsWhateverTheType(KvType type) {
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, PrefixRun.requests(24, 50));
    Map<String, Object> expected = run.answers(DepthPolicy.full(), options(8, 16, 0, type));
    long entry = run.memory().pool().layout().entryBytes();
    assertThat(entry)
        .isEqualTo(2L * CONFIG.kvDim() * type.bytes() + (type == KvType.Q8 ? 4 * 4 : 0));
    for (GenerationResult row : run.results()) {
      if (row.finding() == null) {
        int slots = row.usage().promptTokens() + row.usage().completionTokens() - 1;
        assertThat(row.compute().kvBytes()).isEqualTo(slots * CONFIG.numLayers() * entry);
        assertThat(row.compute().kvBytesFull()).isEqualTo(row.compute().kvBytes());
      }
    }
    assertThat(run.answers(DepthPolicy.full(), options(1, 0, 0, type))).isEqualTo(expected);
    assertThat(run.answers(DepthPolicy.full(), options(24, 5, 0, type))).isEqualTo(expected);
    PrefixRun scalar = new PrefixRun(CONFIG, new ScalarKernels(), PrefixRun.requests(24, 50));
    assertThat(scalar.answers(DepthPolicy.full(), options(8, 16, 0, type))).isEqualTo(expected);
  }

  @Test
  void decodersThatWaitForEachOthersRowsAreNeverStuck() {
    List<GenerationRequest> rows = PrefixRun.requests(24, 30);
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, rows);
    Map<String, Object> expected = run.answers(DepthPolicy.full(), options(8, 16, 0, KvType.F32));
    long row = run.memory().pool().worstCaseBytes(96);
    EngineConfig tight = options(8, 16, 2 * row, KvType.F32);
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    SharedMemory memory = SharedMemory.alone(model, tight);
    List<BatchDecoder> decoders = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      decoders.add(run.decoder(model, tight, memory, rows.subList(8 * i, 8 * i + 8)));
    }
    List<GenerationResult> results = new ArrayList<>();
    KvPool pool = memory.pool();
    int mostWaiting = 0;
    for (int i = 0; i < 8; i++) {
      for (BatchDecoder decoder : decoders) {
        results.add(decoder.next());
        mostWaiting = Math.max(mostWaiting, pool.waitingRows());
        assertThat(pool.bytesReserved()).isLessThanOrEqualTo(3 * 2 * row);
        assertThat(pool.bytesInUse()).isLessThanOrEqualTo(pool.bytesReserved());
      }
    }
    for (BatchDecoder decoder : decoders) {
      assertThat(decoder.hasNext()).isFalse();
    }
    assertThat(PrefixRun.answers(results)).isEqualTo(expected);
    assertThat(mostWaiting).isBetween(1, decoders.size());
    assertThat(pool.waitingRows()).isZero();
    assertThat(pool.bytesReserved()).isZero();
    assertThat(pool.bytesInUse()).isZero();
    assertThat(pool.bytesAllocated()).isPositive();
  }

  @Test
  void rowThatIsTooBigForTheLimitIsAnError() {
    List<GenerationRequest> rows = PrefixRun.requests(3, 60);
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, rows);
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    EngineConfig tiny = options(8, 16, 20_000, KvType.Q8);
    List<GenerationResult> results = run.run(model, tiny, SharedMemory.alone(model, tiny), rows);
    assertThat(results.getFirst().error().code()).isEqualTo(ErrorCode.KV_LIMIT);
    assertThat(results.getFirst().error().message()).contains("20000", "max-kv-bytes");
  }

  @Test
  void longestRowsGoFirstAndResultsKeepTheirOrder() {
    Random random = new Random(4);
    List<GenerationRequest> rows = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      String prompt = PrefixRun.text(random, i % 5 == 4 ? 120 : 5 + i);
      rows.add(
          new GenerationRequest("row-" + i, new Prompt.Text(prompt), SamplingParams.greedy(6)));
    }
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, rows);
    EngineConfig inOrder = options(2, 16, 0, KvType.F32);
    Map<String, Object> expected = run.answers(DepthPolicy.full(), inOrder);
    assertThat(
            run.answers(
                DepthPolicy.full(), inOrder.withAdmission(EngineConfig.Admission.LONGEST_FIRST)))
        .isEqualTo(expected);
    Map<String, Long> waited = new HashMap<>();
    for (int i = 0; i < 30; i++) {
      GenerationResult result = run.results().get(i);
      assertThat(result.key()).isEqualTo("row-" + i);
      waited.put(result.key(), result.timing().queueNanos());
    }
    // Eight rows are read ahead; the only long one among them is row 4.
    assertThat(waited.get("row-4")).isLessThan(waited.get("row-0"));
  }
}
