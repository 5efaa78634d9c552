package dev.nightjar.job.quality;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What makes an answer right. Scores are 1 or 0 per row and metric. Immutable. */
public sealed interface Task {
  /** Names of the task's own metrics, the main one first. */
  List<String> metrics();

  /** Columns of the input with the right answers. */
  List<String> goldColumns();

  /**
   * Scores one answer.
   *
   * @param answer the generated text, or null for a row without one
   * @param json the answer as a JSON object, if it is one
   * @param gold values of {@link #goldColumns()}, null where the column is
   * @return one score per metric
   */
  double[] score(String answer, Optional<JsonNode> json, List<String> gold);

  /** The answer is the gold text, but for white space around either. */
  record Exact(String column) implements Task {
    @Override
    public List<String> metrics() {
      return List.of("exact_match");
    }

    @Override
    public List<String> goldColumns() {
      return List.of(column);
    }

    @Override
    public double[] score(String answer, Optional<JsonNode> json, List<String> gold) {
      String right = gold.getFirst();
      return new double[] {
        one(answer != null && right != null && answer.strip().equals(right.strip()))
      };
    }
  }

  /**
   * The answer is the gold label, not minding case, white space, quotes around it and a full stop.
   */
  record Label(String column) implements Task {
    @Override
    public List<String> metrics() {
      return List.of("accuracy");
    }

    @Override
    public List<String> goldColumns() {
      return List.of(column);
    }

    @Override
    public double[] score(String answer, Optional<JsonNode> json, List<String> gold) {
      String right = gold.getFirst();
      return new double[] {
        one(answer != null && right != null && normal(answer).equals(normal(right)))
      };
    }

    private static String normal(String label) {
      String text = label.strip();
      if (text.endsWith(".")) {
        text = text.substring(0, text.length() - 1).strip();
      }
      if (text.length() > 1 && text.charAt(0) == text.charAt(text.length() - 1)) {
        char quote = text.charAt(0);
        text = quote == '"' || quote == '\'' ? text.substring(1, text.length() - 1) : text;
      }
      return text.strip().toLowerCase(Locale.ROOT);
    }
  }

  /** The answer is a JSON object whose fields equal the input's columns of the same names. */
  record JsonFields(List<String> fields) implements Task {
    /** The name of the metric "every field is right". */
    public static final String ALL = "all_fields";

    public JsonFields {
      fields = List.copyOf(fields);
    }

    @Override
    public List<String> metrics() {
      List<String> names = new ArrayList<>();
      names.add(ALL);
      names.addAll(fields);
      return names;
    }

    @Override
    public List<String> goldColumns() {
      return fields;
    }

    @Override
    public double[] score(String answer, Optional<JsonNode> json, List<String> gold) {
      double[] scores = new double[fields.size() + 1];
      if (json.isEmpty()) {
        return scores;
      }
      boolean all = true;
      for (int i = 0; i < fields.size(); i++) {
        boolean right = same(json.get().get(fields.get(i)), gold.get(i));
        scores[i + 1] = one(right);
        all &= right;
      }
      scores[0] = one(all);
      return scores;
    }

    /** A field that is absent or null equals a column that is null. */
    private static boolean same(JsonNode found, String right) {
      if (found == null || found.isNull()) {
        return right == null;
      }
      return (found.isValueNode() ? found.asText() : found.toString()).equals(right);
    }
  }

  /** No gold answers: agreement with the dense run is all there is. */
  record Agreement() implements Task {
    @Override
    public List<String> metrics() {
      return List.of();
    }

    @Override
    public List<String> goldColumns() {
      return List.of();
    }

    @Override
    public double[] score(String answer, Optional<JsonNode> json, List<String> gold) {
      return new double[0];
    }
  }

  private static double one(boolean right) {
    return right ? 1 : 0;
  }

  /** Reads answers as JSON objects by RFC 8259, without duplicate keys or anything behind. */
  JsonMapper STRICT =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** The answer as a JSON object, or nothing where it is none. */
  static Optional<JsonNode> parse(String answer) {
    if (answer == null) {
      return Optional.empty();
    }
    try {
      return Optional.ofNullable(STRICT.readTree(answer)).filter(JsonNode::isObject);
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}
