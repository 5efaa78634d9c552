package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.constraint.Constraints;
import dev.nightjar.engine.constraint.RandomSchema;
import dev.nightjar.engine.depth.ArtefactFolder;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows whose text must fit a format, each its own, from a model without any sense. */
class TestConstrainedDecoding {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(512);
  private static final ByteTokenizer TOKENIZER = new ByteTokenizer();
  private static final PromptEncoder ENCODER = new PromptEncoder(TOKENIZER, Optional.empty());
  private static final Constraints CONSTRAINTS = new Constraints(TOKENIZER, CONFIG.eosTokenIds());
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  @TempDir private Path folder;

  private static ResponseFormat format(Random random, RandomSchema schemas) {
    return switch (random.nextInt(6)) {
      case 0 -> ResponseFormat.TEXT;
      case 1 -> new ResponseFormat.JsonObject();
      case 2 -> new ResponseFormat.Regex("[a-zé😀]{3,9}( [0-9]+)?");
      case 3 -> new ResponseFormat.Choice(List.of("yes", "no", "not 😀"));
      default -> new ResponseFormat.JsonSchema(schemas.next(2).toString());
    };
  }

  private static List<GenerationRequest> requests(int count, long seed) {
    Random random = new Random(seed);
    RandomSchema schemas = new RandomSchema(random);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ResponseFormat format = format(random, schemas);
      int least = format.constrained() ? CONSTRAINTS.of(format).minTokens() : 1;
      SamplingParams sampling =
          new SamplingParams(
                  least + random.nextInt(i % 4 == 0 ? 3 : 30),
                  i % 3 == 0 ? 0f : 1.3f,
                  i % 5 == 0 ? 4 : 0,
                  i % 7 == 0 ? 0.8f : 1f,
                  i % 8 == 0 ? 0.1f : 0f,
                  i % 4 == 1 ? 1.4f : 1f,
                  42L,
                  i % 6 == 0 ? List.of("\"", "e") : List.of(),
                  i % 2 == 0 ? 2 : -1)
              .withFormat(format);
      Prompt prompt = new Prompt.Text("abcdefghijklmnopqrstuvwxyz".substring(random.nextInt(26)));
      out.add(new GenerationRequest("row-" + i, prompt, sampling));
    }
    return out;
  }

  private static List<GenerationResult> run(
      DepthPolicy policy, EngineConfig options, List<GenerationRequest> rows) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    List<GenerationResult> out = new ArrayList<>();
    SharedMemory memory = SharedMemory.alone(model, options);
    new BatchDecoder(model, ENCODER, KERNELS, options, memory, CONSTRAINTS, rows.iterator(), false)
        .forEachRemaining(out::add);
    return out;
  }

  private static void checkFits(GenerationRequest row, GenerationResult result)
      throws JsonProcessingException {
    SamplingParams sampling = ((Task.Generate) row.task()).sampling();
    ResponseFormat format = sampling.format();
    assertThat(result.error()).isNull();
    assertThat(result.tokenIds()).hasSizeLessThanOrEqualTo(sampling.maxTokens());
    if (format.constrained()) {
      assertThat(CONSTRAINTS.of(format).newText().fits(result.text()))
          .as("%s for %s", result.text(), format)
          .isTrue();
      assertThat(result.finishReason()).isNotEqualTo(FinishReason.ABORT);
    }
    if (format.json()) {
      MAPPER.readTree(result.text());
    }
  }

  private DepthPolicy policy(String spec) {
    String written = spec;
    if (spec.equals("controller")) {
      written =
          new ArtefactFolder(folder, "sec", CONFIG)
              .with("stop_threshold", 0.02)
              .with("exit_threshold", 0.3)
              .with("layers", List.of(2, 3, 4))
              .random(new Random(9), 0.3, "controller.weight", 3, CONFIG.hiddenSize())
              .write();
    }
    return ArtefactFolder.load(written, CONFIG, KERNELS);
  }

  private static List<Object> content(GenerationResult r, ComputeStats compute) {
    return List.of(
        r.key(),
        r.text(),
        r.tokenIds(),
        r.finishReason(),
        String.valueOf(r.stopReason()),
        Double.doubleToRawLongBits(r.cumulativeLogprob()),
        r.logprobs(),
        String.valueOf(compute));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "full",
        "unified:keep=0.5",
        "random:keep=0.6,seed=5+exit:threshold=0.8,layers=2+4",
        "exit:threshold=0.4,layers=2+4",
        "exit:confidence=margin,threshold=0.3,layers=1+3+5,kv=defer,defer-limit=2",
        "exit:confidence=entropy,threshold=9,layers=2+4,vocabulary=20",
        "exit:threshold=0.1,layers=1+2+3+4+5,vocabulary=20,kv=defer,defer-limit=4",
        "controller",
        "layerskip:exit=4,length=7,confidence=0,max-rows=64",
      })
  void everyTextFitsWhateverTheCompany(String spec) throws JsonProcessingException {
    DepthPolicy policy = policy(spec);
    List<GenerationRequest> rows = requests(36, 31);
    List<GenerationResult> results = run(policy, EngineConfig.DEFAULT, rows);
    for (int i = 0; i < rows.size(); i++) {
      checkFits(rows.get(i), results.get(i));
    }
    boolean drafts = policy.drafting() != null;
    EngineConfig narrow = EngineConfig.DEFAULT.withMaxBatch(3).withPromptChunk(5);
    List<GenerationResult> again = run(policy, narrow, rows);
    for (int i = 0; i < rows.size(); i++) {
      ComputeStats none = drafts ? null : results.get(i).compute();
      assertThat(content(again.get(i), drafts ? null : again.get(i).compute()))
          .isEqualTo(content(results.get(i), none));
    }
  }

  @Test
  void draftsDoNotChangeWhatIsWritten() {
    List<GenerationRequest> rows = requests(30, 32);
    List<GenerationResult> full = run(DepthPolicy.full(), EngineConfig.DEFAULT, rows);
    List<GenerationResult> drafted =
        run(
            policy("layerskip:exit=5,length=6,confidence=0,max-rows=64"),
            EngineConfig.DEFAULT,
            rows);
    int accepted = 0;
    for (int i = 0; i < rows.size(); i++) {
      assertThat(content(drafted.get(i), null)).isEqualTo(content(full.get(i), null));
      accepted += drafted.get(i).compute().acceptedTokens();
    }
    assertThat(accepted).isPositive();
  }

  @Test
  void rowsThatCannotFitFailAloneWithTheReason() {
    Map<ResponseFormat, String> faulty =
        Map.of(
            new ResponseFormat.Choice(List.of("abcdefghijk", "abcdefghijkl")),
            "max-tokens is 10, the shortest text that fits the response format takes 11 tokens",
            new ResponseFormat.Regex("(a)\\1"),
            "back-references",
            new ResponseFormat.JsonSchema("{\"allOf\":[]}"),
            "allOf, which is not supported",
            new ResponseFormat.Regex("a(b|[^\\x00-\\x{10ffff}])*[^\\x00-\\x{10ffff}]"),
            "no text fits");
    List<GenerationRequest> rows = new ArrayList<>();
    faulty.keySet().forEach(format -> rows.add(row(format, 10)));
    rows.add(row(new ResponseFormat.Choice(List.of("abcdefghij")), 10));
    List<GenerationResult> results = run(DepthPolicy.full(), EngineConfig.DEFAULT, rows);
    for (int i = 0; i < faulty.size(); i++) {
      ResponseFormat format = ((Task.Generate) rows.get(i).task()).sampling().format();
      assertThat(results.get(i).error().code()).isEqualTo(ErrorCode.INVALID_OPTION);
      assertThat(results.get(i).error().message()).contains(faulty.get(format));
    }
    assertThat(results.getLast().text()).isEqualTo("abcdefghij");
    assertThat(results.getLast().finishReason()).isEqualTo(FinishReason.STOP);
  }

  private static GenerationRequest row(ResponseFormat format, int maxTokens) {
    return new GenerationRequest(
        "row", new Prompt.Text("a"), SamplingParams.greedy(maxTokens).withFormat(format));
  }

  @Test
  void longPromptsLeaveRoomForTheShortestText() {
    ResponseFormat format = new ResponseFormat.Regex("[a-c]{100}[a-z]*");
    Prompt prompt = new Prompt.Text("x".repeat(500));
    GenerationRequest row =
        new GenerationRequest("row", prompt, SamplingParams.greedy(300).withFormat(format));
    GenerationResult refused = run(DepthPolicy.full(), EngineConfig.DEFAULT, List.of(row)).get(0);
    assertThat(refused.error().code()).isEqualTo(ErrorCode.CONTEXT_OVERFLOW);
    assertThat(refused.error().message()).contains("at least 100 tokens must fit behind it");
    EngineConfig truncates = new EngineConfig("full", 4, 0, 512, 0, EngineConfig.Overlong.TRUNCATE);
    GenerationResult result = run(DepthPolicy.full(), truncates, List.of(row)).get(0);
    assertThat(result.text()).matches("[a-c]{100}[a-z]*");
  }

  @Test
  void stopStringsEndOnlyWhatIsComplete() {
    SamplingParams sampling =
        new SamplingParams(40, 0f, 0, 1f, 0f, 1f, 1L, List.of(","), -1)
            .withFormat(new ResponseFormat.Regex("a,b,c(,d,e)?"));
    GenerationRequest row = new GenerationRequest("row", new Prompt.Text("a"), sampling);
    GenerationResult result = run(DepthPolicy.full(), EngineConfig.DEFAULT, List.of(row)).get(0);
    assertThat(result.text()).isEqualTo("a,b,c");
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
  }
}
