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
  private static final String QWEN35 =
      CONTRACTIONS
          + "|"
          + LEAD
          + "[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
          + SPACES;
  private static final String BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+";

  /** Letters of the scripts with upper and lower case that DeepSeek LLM knows. */
  private static final String DEEPSEEK_LETTERS =
      "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚ"
          + "Ḁ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ\u1F5F-\u1F7Dᾀ-ᾴᾶ-ᾼ\u1FBEῂ-ῄῆ-ῌῐ-\u1FD3ῖ-\u1FDBῠ-Ῥῲ-ῴῶ-ῼ"
          + "ℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212A-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄ"
          + "Ⰰ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃";

  private static final String DEEPSEEK_CHINESE = "[一-龥ࠀ-一가-퟿]+";

  /** The pre-tokeniser of this name; an unknown one is an {@code INVALID_TOKENIZER} error. */
  static GgufPreTokenizers of(String name) {
    return switch (name) {
      case "default" ->
          words("[\\p{P}\\$\\+<=>\\^~\\|]+", PreTokenizer.GPT2_REGEX, "\\p{N}+", "[0-9][0-9][0-9]");
      case "llama3",
          "llama-v3",
          "llama-bpe",
          "falcon3",
          "falcon-h1",
          "pixtral",
          "midm-2.0",
          "lfm2" ->
          words(LLAMA3).withWholeWords();
      case "dbrx", "smaug-bpe", "chatglm-bpe", "glm4" -> words(LLAMA3);
      case "qwen2", "deepseek-r1-qwen", "hunyuan", "megrez" -> words(QWEN2).composed();
      case "qwen35" -> words(QWEN35).composed();
      case "stablelm2" -> words(QWEN2);
      case "gpt-2", "phi-2", "jais", "gigachat", "trillion", "exaone4" -> steps(gpt2Words());
      case "olmo", "mpt" -> steps(gpt2Words()).composed();
      case "smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b" ->
          steps(digits(SplitBehavior.ISOLATED), gpt2Words());
      case "command-r" -> steps(digits(SplitBehavior.ISOLATED), gpt2Words()).composed();
      case "falcon" ->
          steps(
              new PreTokenizer.SplitAt(CodePoints::isPunctuation, SplitBehavior.CONTIGUOUS),
              gpt2Words(),
              digits(SplitBehavior.CONTIGUOUS),
              JsonStepReader.isolate("[0-9][0-9][0-9]"));
      case "gpt-4o", "llama4", "kanana2" -> words(GPT4O);
      case "tekken" -> words(TEKKEN).withWholeWords();
      case "deepseek-llm" ->
          steps(
              JsonStepReader.isolate("[\r\n]"),
              JsonStepReader.isolate("\\s?[" + DEEPSEEK_LETTERS + "]+"),
              JsonStepReader.isolate("\\s?[!-/:-~！-／：-～‘-‟　-。]+"),
              JsonStepReader.isolate("\\s+$"),
              JsonStepReader.isolate(DEEPSEEK_CHINESE),
              digits(SplitBehavior.ISOLATED),
              bytes());
      case "deepseek-coder" ->
          steps(
              JsonStepReader.isolate("[\r\n]"),
              JsonStepReader.isolate("\\s?\\p{L}+"),
              JsonStepReader.isolate("\\s?\\p{P}+"),
              JsonStepReader.isolate(DEEPSEEK_CHINESE),
              digits(SplitBehavior.ISOLATED),
              bytes());
      case "deepseek-v3", "hunyuan-dense" -> words("\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3);
      case "bloom", "poro-chat", "gpt3-finnish" -> words(BLOOM);
      default ->
          throw new EngineException(
              ErrorCode.INVALID_TOKENIZER,
              "tokenizer.ggml.pre is \"%s\", which is not supported; expected one of default,"
                      .formatted(name)
                  + " llama-bpe, qwen2, gpt-2, smollm, gpt-4o, tekken, deepseek-v3, …; use the"
                  + " model's Hugging Face folder with its tokenizer.json instead");
    };
  }

  /** Unicode normalisation form C in front. */
  private GgufPreTokenizers composed() {
    return new GgufPreTokenizers(
        new Normalizer.Unicode(Form.NFC), preTokenizer, ignoreMerges, addBos);
  }

  /** Words that are tokens are taken whole, and there is a begin-of-sequence token. */
  private GgufPreTokenizers withWholeWords() {
    return new GgufPreTokenizers(normalizer, preTokenizer, true, true);
  }

  private static GgufPreTokenizers words(String... regexes) {
    List<PreTokenizer> steps = new ArrayList<>();
    for (String regex : regexes) {
      steps.add(JsonStepReader.isolate(regex));
    }
    steps.add(bytes());
    return steps(steps.toArray(new PreTokenizer[0]));
  }

  private static GgufPreTokenizers steps(PreTokenizer... steps) {
    return new GgufPreTokenizers(
        new Normalizer.Identity(), new PreTokenizer.Sequence(List.of(steps)), false, false);
  }

  private static PreTokenizer bytes() {
    return new PreTokenizer.ByteLevel(false, new PreTokenizer.Whole());
  }

  private static PreTokenizer gpt2Words() {
    return new PreTokenizer.ByteLevel(false, JsonStepReader.isolate(PreTokenizer.GPT2_REGEX));
  }

  private static PreTokenizer digits(SplitBehavior behavior) {
    return new PreTokenizer.SplitAt(CodePoints::isNumeric, behavior);
  }
}
