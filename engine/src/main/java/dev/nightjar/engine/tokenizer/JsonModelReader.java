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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads the object {@code model} of a tokenizer.json. */
final class JsonModelReader {
  private final JsonNode model;
  private final Set<String> controlTokens;
  private Vocabulary vocabulary;

  JsonModelReader(JsonNode model, Set<String> controlTokens) {
    this.model = model;
    this.controlTokens = controlTokens;
  }

  /** The model's tokens, once it was read. */
  Vocabulary vocabulary() {
    return vocabulary;
  }

  BytePairModel readBytePair() {
    JsonNode dropout = model.path("dropout");
    if (!isAbsent(dropout) && dropout.asDouble() != 0) {
      throw wrong("model.dropout", dropout, "null, because encoding must be reproducible");
    }
    vocabulary = new Vocabulary(tokensById(object(model, "vocab")));
    String prefix = string(model, "continuing_subword_prefix", "");
    Vocabulary ordinary = vocabulary.withoutControlTokens(controlTokens);
    MergeTable merges = readMerges(prefix.length(), ordinary);
    String unknown = string(model, "unk_token", null);
    int unknownId = unknown == null ? -1 : vocabulary.idOf(unknown);
    if (unknown != null && unknownId < 0) {
      throw invalid("model.unk_token \"" + unknown + "\" is not in the vocabulary");
    }
    return new BytePairModel(
        ordinary,
        merges,
        new BytePairModel.Options(
            unknownId,
            flag(model, "fuse_unk", false),
            flag(model, "byte_fallback", false),
            flag(model, "ignore_merges", false),
            prefix,
            string(model, "end_of_word_suffix", "")));
  }

  private static List<String> tokensById(JsonNode vocab) {
    int count = vocab.size();
    if (count == 0 || count > Vocabulary.MAX_SIZE) {
      throw invalid(
          "model.vocab has %d tokens, expected 1 to %d".formatted(count, Vocabulary.MAX_SIZE));
    }
    int limit = (int) Math.min(Vocabulary.MAX_SIZE, 2L * count + 65_536);
    String[] tokens = new String[count];
    int size = 0;
    for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
      int id = tokenId(entry.getValue(), "model.vocab[\"" + entry.getKey() + "\"]");
      if (id >= limit) {
        throw invalid(
            "token \"%s\" has id %d, but there are only %d tokens; export the tokenizer again"
                .formatted(entry.getKey(), id, count));
      }
      if (id >= tokens.length) {
        tokens = Arrays.copyOf(tokens, Math.min(limit, Math.max(id + 1, tokens.length * 2)));
      }
      if (tokens[id] != null) {
        throw invalid(
            "tokens \"%s\" and \"%s\" have the same id %d; export the tokenizer again"
                .formatted(tokens[id], entry.getKey(), id));
      }
      tokens[id] = entry.getKey();
      size = Math.max(size, id + 1);
    }
    return Arrays.asList(tokens).subList(0, size);
  }

  private MergeTable readMerges(int prefixLength, Vocabulary ordinary) {
    JsonNode nodes = array(model, "merges");
    MergeTable merges = new MergeTable(nodes.size());
    int rank = 0;
    for (JsonNode node : nodes) {
      String left;
      String right;
      if (node.isTextual()) {
        String text = node.textValue();
        int space = text.indexOf(' ');
        if (space < 0 || text.indexOf(' ', space + 1) >= 0) {
          throw wrong("model.merges[" + rank + "]", node, "two tokens with a space between them");
        }
        left = text.substring(0, space);
        right = text.substring(space + 1);
      } else if (node.size() == 2 && node.path(0).isTextual() && node.path(1).isTextual()) {
        left = node.path(0).textValue();
        right = node.path(1).textValue();
      } else {
        throw wrong("model.merges[" + rank + "]", node, "a pair of tokens");
      }
      int leftId = inVocabulary(left, rank);
      int rightId = inVocabulary(right, rank);
      if (right.length() < prefixLength) {
        throw wrong("model.merges[" + rank + "]", node, "a right token with the subword prefix");
      }
      int result = inVocabulary(left + right.substring(prefixLength), rank);
      if (ordinary == vocabulary
          || (ordinary.token(leftId) != null
              && ordinary.token(rightId) != null
              && ordinary.token(result) != null)) {
        merges.add(leftId, rightId, rank, result);
      }
      rank++;
    }
    return merges;
  }

  private int inVocabulary(String token, int rank) {
    int id = vocabulary.idOf(token);
    if (id < 0) {
      throw invalid(
          "model.merges[%d] needs token \"%s\", which is not in the vocabulary"
              .formatted(rank, token));
    }
    return id;
  }

  UnigramModel readUnigram() {
    JsonNode nodes = array(model, "vocab");
    if (nodes.isEmpty() || nodes.size() > Vocabulary.MAX_SIZE) {
      throw invalid(
          "model.vocab has %d tokens, expected 1 to %d"
              .formatted(nodes.size(), Vocabulary.MAX_SIZE));
    }
    List<String> tokens = new ArrayList<>(nodes.size());
    double[] scores = new double[nodes.size()];
    for (JsonNode node : nodes) {
      if (node.size() != 2 || !node.path(0).isTextual() || !node.path(1).isNumber()) {
        throw wrong("model.vocab[" + tokens.size() + "]", node, "a token and its score");
      }
      scores[tokens.size()] = node.path(1).doubleValue();
      if (!Double.isFinite(scores[tokens.size()])) {
        throw wrong("model.vocab[" + tokens.size() + "]", node, "a finite score");
      }
      tokens.add(node.path(0).textValue());
    }
    vocabulary = new Vocabulary(tokens);
    JsonNode unknown = model.path("unk_id");
    int unknownId = isAbsent(unknown) ? -1 : tokenId(unknown, "model.unk_id");
    if (unknownId >= vocabulary.size()) {
      throw wrong("model.unk_id", unknown, "an id below " + vocabulary.size());
    }
    Vocabulary ordinary = vocabulary.withoutControlTokens(controlTokens);
    return new UnigramModel(ordinary, scores, unknownId, flag(model, "byte_fallback", false));
  }
}
