package dev.nightjar.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.ModelFile;
import java.util.Optional;

/**
 * Builds tokenizers and prompt encoders from model files. Faults are {@code INVALID_TOKENIZER}
 * errors.
 */
public final class Tokenizers {
  private Tokenizers() {}

  /** The tokenizer of a model folder, from {@code tokenizer.json}. */
  public static Tokenizer from(HuggingFaceFolder folder) {
    JsonNode description =
        folder
            .tokenizer()
            .orElseThrow(() ->
                new EngineException(
                    ErrorCode.INVALID_TOKENIZER,
                    folder.path()
                        + " has no tokenizer.json; add it (transformers writes it with"
                        + " tokenizer.save_pretrained)"));
    return fromJson(description, folder.tokenizerConfig().orElse(MissingNode.getInstance()));
  }

  /** The tokenizer in a GGUF file's metadata. */
  public static Tokenizer from(GgufFile file) {
    return new GgufTokenizerReader(file).read();
  }

  /**
   * The tokenizer that a parsed tokenizer.json describes.
   *
   * @param config the parsed tokenizer_config.json; a missing or null node if there is none
   */
  public static Tokenizer fromJson(JsonNode description, JsonNode config) {
    return new JsonTokenizerReader(description).read(config);
  }

  /** The tokenizer and chat template of a model. */
  public static PromptEncoder promptEncoder(ModelFile file) {
    return switch (file) {
      case GgufFile gguf -> promptEncoder(gguf);
      case HuggingFaceFolder folder -> promptEncoder(folder);
    };
  }

  /** The tokenizer and chat template of a model folder. */
  public static PromptEncoder promptEncoder(HuggingFaceFolder folder) {
    Tokenizer tokenizer = from(folder);
    JsonNode config = folder.tokenizerConfig().orElse(MissingNode.getInstance());
    Optional<ChatTemplate> template =
        folder
            .chatTemplate()
            .map(source ->
                ChatTemplate.of(source, token(config, "bos_token"), token(config, "eos_token")));
    return new PromptEncoder(tokenizer, template);
  }

  /** The tokenizer and chat template in a GGUF file's metadata. */
  public static PromptEncoder promptEncoder(GgufFile file) {
    GgufTokenizerReader reader = new GgufTokenizerReader(file);
    Tokenizer tokenizer = reader.read();
    return new PromptEncoder(tokenizer, reader.chatTemplate(tokenizer));
  }

  /**
   * A token of tokenizer_config.json: a string or an object with its content; empty if there is
   * none.
   */
  private static String token(JsonNode config, String name) {
    JsonNode node = config.path(name);
    return node.isObject() ? node.path("content").asText("") : node.asText("");
  }
}
