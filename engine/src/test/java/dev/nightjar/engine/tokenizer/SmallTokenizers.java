package dev.nightjar.engine.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Descriptions of small tokenizers in the shapes that published models use. */
final class SmallTokenizers {
  static final ObjectMapper JSON = new ObjectMapper();
  static final List<String> SPECIALS = List.of("<s>", "</s>", "<|im_start|>", "<|im_end|>");

  static final String EMBEDDED_REGEX = " ?[A-Za-z]+|[0-9]| ?[^\\sA-Za-z0-9]+|\\s+(?!\\S)|\\s";
  static final String LLAMA3_REGEX =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  static final String QWEN2_REGEX = LLAMA3_REGEX.replace("{1,3}", "");
  static final String CL100K_REGEX =
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+"
          + "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s";
  static final String O200K_REGEX =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final BpeTrainer.Result BYTES = trainBytes();
  private static final BpeTrainer.Result PIECES = trainPieces(false);
  private static final BpeTrainer.Result PIECES_AND_BYTES = trainPieces(true);

  private SmallTokenizers() {}

  /** A text that vocabularies are trained on. */
  static String corpus() {
    RandomText texts = new RandomText(new SplittableRandom(7), List.of());
    StringBuilder corpus = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      corpus.append("the quick brown fox jumps over the lazy dog's tail, and 12345 others; ");
      corpus.append(texts.next());
    }
    return corpus.toString();
  }

  private static List<String> words(String regex, String text) {
    List<String> words = new ArrayList<>();
    Matcher matcher = Pattern.compile(regex).matcher(text);
    while (matcher.find()) {
      words.add(matcher.group());
    }
    return words;
  }

  static ObjectNode node(String json) {
    try {
      return (ObjectNode) JSON.readTree(json.replace('`', '"'));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  private static BpeTrainer.Result trainBytes() {
    List<String> alphabet = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      alphabet.add(String.valueOf(ByteAlphabet.charOf(b)));
    }
    List<String> words = new ArrayList<>();
    for (String word : words(" ?\\p{L}+|\\p{N}+|\\s+| ?[^\\s\\p{L}\\p{N}]+", corpus())) {
      words.add(ByteAlphabet.encode(word));
    }
    return BpeTrainer.train(words, alphabet, 600);
  }

  private static BpeTrainer.Result trainPieces(boolean byteFallback) {
    List<String> alphabet = new ArrayList<>(List.of("<unk>", "▁"));
    for (int b = 0; byteFallback && b < 256; b++) {
      alphabet.add("<0x%02X>".formatted(b));
    }
    String corpus = corpus().replace(' ', '▁');
    corpus.codePoints().filter(c -> c < 0x600).forEach(c -> alphabet.add(Character.toString(c)));
    return BpeTrainer.train(words("▁*[^▁]+|▁+", corpus), alphabet, 500);
  }

  /** A byte-level BPE without normaliser and post-processor. */
  static ObjectNode byteLevel(String regex) {
    ObjectNode root = bpe(BYTES);
    root.set(
        "pre_tokenizer",
        node(
            "{`type`:`Sequence`,`pretokenizers`:[{`type`:`Split`,`pattern`:{`Regex`:``},"
                + "`behavior`:`Isolated`,`invert`:false},{`type`:`ByteLevel`,"
                + "`add_prefix_space`:false,`trim_offsets`:true,`use_regex`:false}]}"));
    ((ObjectNode) root.at("/pre_tokenizer/pretokenizers/0/pattern")).put("Regex", regex);
    root.set("decoder", byteLevelStep(true));
    return root;
  }

  static ObjectNode byteLevelStep(boolean addPrefixSpace) {
    return node(
        "{`type`:`ByteLevel`,`add_prefix_space`:%s,`trim_offsets`:true,`use_regex`:true}"
            .formatted(addPrefixSpace));
  }

  /** A SentencePiece-like BPE over spaces written as ▁, without normaliser and pre-tokeniser. */
  static ObjectNode sentencePiece(boolean byteFallback) {
    ObjectNode root = bpe(byteFallback ? PIECES_AND_BYTES : PIECES);
    ObjectNode model = (ObjectNode) root.get("model");
    model.put("unk_token", "<unk>").put("fuse_unk", true).put("byte_fallback", byteFallback);
    root.set(
        "decoder",
        node(
            "{`type`:`Sequence`,`decoders`:[{`type`:`Replace`,`pattern`:{`String`:`▁`},"
                + "`content`:` `},{`type`:`ByteFallback`},{`type`:`Fuse`},"
                + "{`type`:`Strip`,`content`:` `,`start`:1,`stop`:0}]}"));
    return root;
  }

  /** A Unigram model whose pieces are those of the BPE, with random scores. */
  static ObjectNode unigram(boolean byteFallback) {
    ObjectNode root = sentencePiece(byteFallback);
    SplittableRandom random = new SplittableRandom(3);
    ArrayNode vocab = JSON.createArrayNode();
    List<String> tokens = new ArrayList<>();
    root.at("/model/vocab").fieldNames().forEachRemaining(tokens::add);
    for (String token : tokens) {
      double score = -12 + 0.8 * Math.min(token.length(), 10) + random.nextDouble(-2, 2);
      // Binary fractions: their sums are exact, so that ties are ties in both libraries.
      vocab.add(JSON.createArrayNode().add(token).add(Math.round(score * 64) / 64.0));
    }
    ObjectNode model = JSON.createObjectNode().put("type", "Unigram").put("unk_id", 0);
    model.set("vocab", vocab);
    root.set("model", model.put("byte_fallback", byteFallback));
    root.set("pre_tokenizer", metaspace("always", true));
    root.set("decoder", metaspace("always", true));
    return root;
  }

  static ObjectNode metaspace(String scheme, boolean split) {
    return node(
        "{`type`:`Metaspace`,`replacement`:`▁`,`prepend_scheme`:`%s`,`split`:%s}"
            .formatted(scheme, split));
  }

  private static ObjectNode bpe(BpeTrainer.Result trained) {
    ObjectNode root =
        node(
            "{`version`:`1.0`,`truncation`:null,`padding`:null,`added_tokens`:[],"
                + "`normalizer`:null,`pre_tokenizer`:null,`post_processor`:null,`decoder`:null,"
                + "`model`:{`type`:`BPE`,`dropout`:null,`unk_token`:null,"
                + "`continuing_subword_prefix`:null,`end_of_word_suffix`:null,`fuse_unk`:false,"
                + "`byte_fallback`:false,`ignore_merges`:false,`vocab`:{},`merges`:[]}}");
    ObjectNode vocab = (ObjectNode) root.at("/model/vocab");
    for (String token : trained.tokens()) {
      vocab.put(token, vocab.size());
    }
    ArrayNode merges = (ArrayNode) root.at("/model/merges");
    for (String[] merge : trained.merges()) {
      merges.add(merge[0] + " " + merge[1]);
    }
    return root;
  }

  /** Writes merges as pairs instead of strings with a space. */
  static ObjectNode withMergePairs(ObjectNode root) {
    ArrayNode pairs = JSON.createArrayNode();
    root.at("/model/merges")
        .forEach(merge -> {
          String[] parts = merge.asText().split(" ");
          pairs.add(JSON.createArrayNode().add(parts[0]).add(parts[1]));
        });
    ((ObjectNode) root.get("model")).set("merges", pairs);
    return root;
  }

  /**
   * Adds tokens behind the vocabulary; flags are letters: special, normalized, left, right, word.
   */
  static ObjectNode withAdded(ObjectNode root, String flags, List<String> contents) {
    ArrayNode added = (ArrayNode) root.get("added_tokens");
    JsonNode vocab = root.at("/model/vocab");
    Map<String, Integer> ids = new HashMap<>();
    vocab.fieldNames().forEachRemaining(token -> ids.put(token, ids.size()));
    for (int i = 0; i < vocab.size() && vocab.isArray(); i++) {
      ids.put(vocab.get(i).get(0).asText(), i);
    }
    int id = vocab.size();
    for (JsonNode earlier : added) {
      id = Math.max(id, earlier.get("id").asInt() + 1);
    }
    for (String content : contents) {
      Integer known = ids.get(content);
      added.add(
          JSON.createObjectNode()
              .put("id", known != null ? known : id++)
              .put("content", content)
              .put("single_word", flags.contains("w"))
              .put("lstrip", flags.contains("l"))
              .put("rstrip", flags.contains("r"))
              .put("normalized", flags.contains("n"))
              .put("special", flags.contains("s")));
    }
    return root;
  }
}
