package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestRowTimeLimit {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());

  /** After one step a nanosecond has passed; a row of one token has ended by then. */
  @Test
  void rowsThatRunTooLongBecomeErrorsAndTheOthersGoOn() {
    List<GenerationResult> results = run(Duration.ofNanos(1));
    assertThat(results).hasSize(40);
    for (int i = 0; i < results.size(); i++) {
      GenerationResult result = results.get(i);
      assertThat(result.key()).isEqualTo("row-" + i);
      if (i % 2 == 0) {
        assertThat(result.error()).isNull();
      } else {
        assertThat(result.error().code()).isEqualTo(ErrorCode.TIME_LIMIT);
        assertThat(result.error().message()).contains("raise the limit");
      }
    }
  }

  @Test
  void zeroIsNoLimit() {
    assertThat(run(Duration.ZERO)).allMatch(result -> result.error() == null);
  }

  private static List<GenerationResult> run(Duration limit) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      SamplingParams sampling = SamplingParams.greedy(i % 2 == 0 ? 1 : 20);
      requests.add(new GenerationRequest("row-" + i, new Prompt.Text("a prompt " + i), sampling));
    }
    List<GenerationResult> results = new ArrayList<>();
    try (BatchDecoder decoder =
        new BatchDecoder(
            TinyModels.model(CONFIG, KERNELS, DepthPolicy.full()),
            ENCODER,
            KERNELS,
            EngineConfig.DEFAULT,
            requests.iterator(),
            false)) {
      decoder.limitRows(limit);
      decoder.forEachRemaining(results::add);
    }
    return results;
  }
}
