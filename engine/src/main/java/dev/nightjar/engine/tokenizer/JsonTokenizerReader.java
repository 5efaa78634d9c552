package dev.nightjar.engine.tokenizer;

import static dev.nightjar.engine.tokenizer.JsonFields.array;
import static dev.nightjar.engine.tokenizer.JsonFields.flag;
import static dev.nightjar.engine.tokenizer.JsonFields.invalid;
import static dev.nightjar.engine.tokenizer.JsonFields.isAbsent;
import static dev.nightjar.engine.tokenizer.JsonFields.object;
import static dev.nightjar.engine.tokenizer.JsonFields.string;
import static dev.nightjar.engine.tokenizer.JsonFields.tokenId;
import static dev.nightjar.engine.tokenizer.JsonFields.wrong;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads Hugging Face's tokenizer.json. */
final class JsonTokenizerReader {
  private static final int MAX_ADDED_LENGTH = 4096;

  private final JsonNode root;

  JsonTokenizerReader(JsonNode root) {
    this.root = root;
  }

  /**
   * Builds the tokenizer.
   *
   * @param config the content of tokenizer_config.json; a missing node if there is none
   */
  PipelineTokenizer read(JsonNode config) {
    if (!root.isObject()) {
      throw wrong("the file", root, "an object");
    }
    JsonNode model = object(root, "model");
    // Old files do not say which model they hold.
    String type = string(model, "type", model.path("vocab").isArray() ? "Unigram" : "BPE");
    JsonModelReader models = new JsonModelReader(model, controlTokens());
    TokenModel tokenModel =
        switch (type) {
          case "BPE" -> models.readBytePair();
          case "Unigram" -> models.readUnigram();
          default -> throw invalid("model.type is \"" + type + "\", expected BPE or Unigram");
        };
    List<AddedToken> added = readAddedTokens(models.vocabulary());
    PipelineTokenizer.Parts parts =
        new PipelineTokenizer.Parts(
            models.vocabulary(),
            added,
            JsonStepReader.normalizer(root.path("normalizer")),
            JsonStepReader.preTokenizer(root.path("pre_tokenizer")),
            tokenModel,
            JsonStepReader.decoder(root.path("decoder")),
            tokenToAdd(config, "bos", models.vocabulary(), added),
            tokenToAdd(config, "eos", models.vocabulary(), added));
    return new PipelineTokenizer(parts);
  }

  private Set<String> controlTokens() {
    Set<String> contents = new HashSet<>();
    for (JsonNode node : root.path("added_tokens")) {
      if (node.path("special").asBoolean() && node.path("content").isTextual()) {
        contents.add(node.path("content").textValue());
      }
    }
    return contents;
  }

  private List<AddedToken> readAddedTokens(Vocabulary vocabulary) {
    JsonNode nodes = root.path("added_tokens");
    if (isAbsent(nodes)) {
      return List.of();
    }
    if (!nodes.isArray()) {
      throw wrong("added_tokens", nodes, "an array");
    }
    List<AddedToken> tokens = new ArrayList<>();
    Map<Integer, String> contents = new HashMap<>();
    for (JsonNode node : nodes) {
      String content = string(node, "content");
      if (content.isEmpty()) {
        continue; // matches nothing
      }
      if (content.length() > MAX_ADDED_LENGTH) {
        throw invalid(
            "an added token has %d characters, expected at most %d"
                .formatted(content.length(), MAX_ADDED_LENGTH));
      }
      int known = vocabulary.idOf(content);
      int id = known >= 0 ? known : tokenId(node.path("id"), "added_tokens.id");
      checkGap(id, vocabulary.size() + nodes.size(), content);
      String other = id < vocabulary.size() ? vocabulary.token(id) : null;
      String earlier = contents.putIfAbsent(id, content);
      if ((other != null && !other.equals(content))
          || (earlier != null && !earlier.equals(content))) {
        throw invalid(
            "added token \"%s\" has id %d, which is that of \"%s\"; export the tokenizer again"
                .formatted(content, id, other != null ? other : earlier));
      }
      boolean special = flag(node, "special", false);
      tokens.add(
          new AddedToken(
              id,
              content,
              special,
              flag(node, "normalized", !special),
              flag(node, "single_word", false),
              flag(node, "lstrip", false),
              flag(node, "rstrip", false)));
    }
    return tokens;
  }

  private static void checkGap(int id, int count, String content) {
    if (id >= 2 * count + 65_536) {
      throw invalid(
          "added token \"%s\" has id %d, but there are only %d tokens; export the tokenizer again"
              .formatted(content, id, count));
    }
  }

  /**
   * The token in front of a text ("bos") or behind it ("eos"): the post-processor's, unless the
   * configuration says whether there is one.
   */
  private int tokenToAdd(
      JsonNode config, String name, Vocabulary vocabulary, List<AddedToken> added) {
    boolean front = name.equals("bos");
    int fromProcessor = tokenOf(root.path("post_processor"), front, vocabulary, added, 0);
    JsonNode wanted = config.path("add_" + name + "_token");
    if (!wanted.isBoolean()) {
      return fromProcessor;
    }
    if (!wanted.booleanValue()) {
      return -1;
    }
    if (fromProcessor >= 0) {
      return fromProcessor;
    }
    JsonNode token = config.path(name + "_token");
    String content = token.isObject() ? token.path("content").asText("") : token.asText("");
    return token.isNull() ? -1 : find(content, vocabulary, added);
  }

  /** The token that the post-processor puts in front of a single text or behind it, or -1. */
  private int tokenOf(
      JsonNode node, boolean front, Vocabulary vocabulary, List<AddedToken> added, int depth) {
    if (isAbsent(node)) {
      return -1;
    }
    JsonStepReader.checkDepth(depth);
    String type = string(node, "type");
    switch (type) {
      case "ByteLevel" -> {
        return -1;
      }
      case "TemplateProcessing" -> {
        return templateToken(node, front, vocabulary, added);
      }
      case "BertProcessing", "RobertaProcessing" -> {
        String key = front ? "cls" : "sep";
        int id = tokenId(node.path(key).path(1), "post_processor." + key);
        return range(id, vocabulary, added);
      }
      case "Sequence" -> {
        for (JsonNode processor : array(node, "processors")) {
          int id = tokenOf(processor, front, vocabulary, added, depth + 1);
          if (id >= 0) {
            return id;
          }
        }
        return -1;
      }
      default ->
          throw invalid(
              "post_processor.type is \"%s\", expected ByteLevel, TemplateProcessing or Sequence"
                  .formatted(type));
    }
  }

  private static int templateToken(
      JsonNode node, boolean front, Vocabulary vocabulary, List<AddedToken> added) {
    List<String> names = new ArrayList<>();
    boolean behind = false;
    for (JsonNode piece : array(node, "single")) {
      JsonNode special = piece.path("SpecialToken");
      behind |= special.isMissingNode();
      if (!special.isMissingNode() && behind != front) {
        names.add(string(special, "id"));
      }
    }
    if (names.size() > 1) {
      throw invalid(
          "post_processor.single puts the tokens %s %s a text, expected one at most"
              .formatted(names, front ? "in front of" : "behind"));
    }
    return names.isEmpty() ? -1 : templateId(node, names.get(0), vocabulary, added);
  }

  private static int templateId(
      JsonNode node, String name, Vocabulary vocabulary, List<AddedToken> added) {
    JsonNode ids = node.path("special_tokens").path(name).path("ids");
    if (ids.isArray() && !ids.isEmpty()) {
      return range(tokenId(ids.path(0), "post_processor.special_tokens.ids"), vocabulary, added);
    }
    return range(find(name, vocabulary, added), vocabulary, added);
  }

  private static int range(int id, Vocabulary vocabulary, List<AddedToken> added) {
    boolean known = id >= 0 && id < vocabulary.size() && vocabulary.token(id) != null;
    for (int i = 0; i < added.size() && !known; i++) {
      known = added.get(i).id() == id;
    }
    if (!known) {
      throw invalid("post_processor adds token " + id + ", which does not exist");
    }
    return id;
  }

  private static int find(String content, Vocabulary vocabulary, List<AddedToken> added) {
    for (AddedToken token : added) {
      if (token.content().equals(content)) {
        return token.id();
      }
    }
    return vocabulary.idOf(content);
  }
}
