package dev.nightjar.engine.tokenizer;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;

/**
 * What the names in {@code tokenizer.ggml.pre} stand for: the model families' own expressions,
 * applied one after the other.
 *
 * @param ignoreMerges whether a word that is itself a token is taken whole
 * @param addBos whether a begin-of-sequence token is added when the file does not say
 */
record GgufPreTokenizers(
    Normalizer normalizer, PreTokenizer preTokenizer, boolean ignoreMerges, boolean addBos) {
  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String SYMBOLS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LEAD = "[^\\r\\n\\p{L}\\p{N}]?";

  private static final String LLAMA3 =
      CONTRACTIONS + "|" + LEAD + "\\p{L}+|\\p{N}{1,3}" + SYMBOLS + SPACES;
  private static final String QWEN2 =
      CONTRACTIONS + "|" + LEAD + "\\p{L}+|\\p{N}" + SYMBOLS + SPACES;
  private static final String GPT4O =
      LEAD
          + UPPER
          + "*"
          + LOWER
          + "+"
          + CONTRACTIONS
          + "?|"
          + LEAD
          + UPPER
          + "+"
          + LOWER
          + "*"
          + CONTRACTIONS
          + "?"
          + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
          + SPACES;
  private static final String TEKKEN =
      LEAD
          + UPPER
          + "*"
          + LOWER
          + "+|"
          + LEAD
          + UPPER
          + "+"
          + LOWER
          + "*"
          + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
          + SPACES;
  private static final String DEEPSEEK3 =
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
          + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*"
          + SPACES;
  private static final String BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+";

  /** The pre-tokeniser of this name; an unknown one is an {@code INVALID_TOKENIZER} error. */
  static GgufPreTokenizers of(String name) {
    return switch (name) {
      case "default" ->
          plain("[\\p{P}\\$\\+<=>\\^~\\|]+", PreTokenizer.GPT2_REGEX, "\\p{N}+", "[0-9][0-9][0-9]");
      case "llama3",
          "llama-v3",
          "llama-bpe",
          "falcon3",
          "falcon-h1",
          "pixtral",
          "midm-2.0",
          "lfm2" ->
          new GgufPreTokenizers(new Normalizer.Identity(), words(LLAMA3), true, true);
      case "dbrx", "smaug-bpe", "chatglm-bpe", "glm4" -> plain(LLAMA3);
      case "qwen2", "deepseek-r1-qwen", "hunyuan", "megrez" ->
          new GgufPreTokenizers(new Normalizer.Unicode(Form.NFC), words(QWEN2), false, false);
      case "stablelm2" -> plain(QWEN2);
      case "gpt-2",
          "phi-2",
          "jina-es",
          "jina-de",
          "jina-v2-es",
          "jina-v2-de",
          "jina-v2-code",
          "mpt",
          "olmo",
          "jais",
          "gigachat",
          "trillion",
          "roberta-bpe",
          "modern-bert" ->
          plain(PreTokenizer.GPT2_REGEX);
      case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b" ->
          plain("\\p{N}", PreTokenizer.GPT2_REGEX);
      case "falcon" ->
          plain("[\\p{P}\\$\\+<=>\\^~\\|`]+", PreTokenizer.GPT2_REGEX, "[0-9][0-9][0-9]");
      case "gpt-4o", "llama4" -> plain(GPT4O);
      case "tekken" -> new GgufPreTokenizers(new Normalizer.Identity(), words(TEKKEN), true, true);
      case "deepseek-coder" ->
          plain("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}");
      case "deepseek-v3" -> plain("\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3);
      case "bloom", "poro-chat", "gpt3-finnish" -> plain(BLOOM);
      default ->
          throw new EngineException(
              ErrorCode.INVALID_TOKENIZER,
              "tokenizer.ggml.pre is \"%s\", which is not supported; expected one of default,"
                      .formatted(name)
                  + " llama-bpe, qwen2, gpt-2, smollm, gpt-4o, tekken, deepseek-v3, …; use the"
                  + " model's Hugging Face folder with its tokenizer.json instead");
    };
  }

  private static GgufPreTokenizers plain(String... regexes) {
    return new GgufPreTokenizers(new Normalizer.Identity(), words(regexes), false, false);
  }

  private static PreTokenizer words(String... regexes) {
    List<PreTokenizer> steps = new ArrayList<>();
    for (String regex : regexes) {
      steps.add(JsonStepReader.isolate(regex));
    }
    steps.add(new PreTokenizer.ByteLevel(false, new PreTokenizer.Whole()));
    return new PreTokenizer.Sequence(steps);
  }
}
