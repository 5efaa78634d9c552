package dev.nightjar.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.Score;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code nightjar score}: teacher-forced log-probabilities of a text. */
@Command(
    name = "score",
    description = "Scores a text under a model: log-probabilities per token and their mean.",
    mixinStandardHelpOptions = true)
final class ScoreCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Mixin private ModelOptions model;

  /** What to score. */
  static final class Source {
    @Option(names = "--text", description = "UTF-8 file with the text.")
    private Path text;

    @Option(names = "--token-ids", split = ",", description = "Token ids, separated by commas.")
    private int[] tokenIds;
  }

  @ArgGroup(exclusive = true, multiplicity = "1")
  private Source source;

  @Option(names = "--json", description = "Print token ids and per-token log-probabilities too.")
  private boolean json;

  @Option(
      names = "--logits",
      description = "Write fp32 logits [tokens, vocab], row-major, little-endian, to this file.")
  private Path logits;

  @Override
  public Integer call() throws JsonProcessingException {
    try (LlmEngine engine = model.load()) {
      int[] tokens =
          source.tokenIds != null
              ? source.tokenIds
              : engine.encoder().encode(new Prompt.Text(read()));
      if (logits != null) {
        writeLogits(engine, tokens);
      }
      Score score = engine.score(tokens);
      ObjectNode node = JSON.createObjectNode();
      if (json) {
        node.set("token_ids", JSON.valueToTree(score.tokenIds()));
        node.set("logprobs", JSON.valueToTree(score.logprobs()));
      }
      node.put("num_tokens", score.tokenIds().size());
      node.put("mean_nll", score.meanNll());
      node.put("perplexity", Math.exp(score.meanNll()));
      node.put("model_fingerprint", engine.info().modelFingerprint());
      node.put("depth", engine.info().depthPolicy());
      System.out.println(JSON.writeValueAsString(node));
      return 0;
    }
  }

  private String read() {
    try {
      return Files.readString(source.text);
    } catch (IOException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          source.text + " cannot be read as UTF-8 text: " + e.getMessage(),
          e);
    }
  }

  private void writeLogits(LlmEngine engine, int[] tokens) {
    int vocabSize = engine.info().vocabSize();
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(logits), 1 << 16))) {
      engine.score(
          tokens,
          (position, values, offset) -> {
            try {
              for (int i = 0; i < vocabSize; i++) {
                out.writeInt(Integer.reverseBytes(Float.floatToRawIntBits(values[offset + i])));
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (IOException | UncheckedIOException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, logits + " cannot be written: " + e.getMessage(), e);
    }
  }
}
