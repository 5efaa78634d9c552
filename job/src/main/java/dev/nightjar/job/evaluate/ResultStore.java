package dev.nightjar.job.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What an evaluation keeps between calls: a manifest of everything that determines results, and one
 * folder per finished (spec, shard). A pair is finished when Spark committed its table and its
 * record was written behind it.
 */
final class ResultStore {
  /** The generated rows. */
  static final String RESULTS = "results";

  /** The scores of gold answers. */
  static final String PERPLEXITY = "perplexity";

  private static final String MANIFEST = "manifest.json";
  private static final String RECORD = "_pair.json";
  private static final String COMMITTED = "_SUCCESS";
  private static final JsonMapper JSON = new JsonMapper();

  private final OutputFolder folder;

  ResultStore(OutputFolder folder) {
    this.folder = folder;
  }

  /**
   * Forgets all results.
   *
   * @throws EngineException when there are folders of these names that no evaluation wrote
   */
  void clear() {
    if (folder.exists(MANIFEST)) {
      folder.delete(RESULTS);
      folder.delete(PERPLEXITY);
      folder.delete(MANIFEST);
    } else if (folder.exists(RESULTS) || folder.exists(PERPLEXITY)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          folder.path()
              + " has a folder "
              + RESULTS
              + " or "
              + PERPLEXITY
              + " but no "
              + MANIFEST
              + " of an evaluation; use another --out");
    }
  }

  /**
   * Checks that results which are there were made with the same facts, or notes the facts.
   *
   * @throws EngineException that names the facts that differ
   */
  void check(Map<String, String> facts) {
    Optional<String> manifest = folder.read(MANIFEST);
    if (manifest.isEmpty()) {
      clear();
      folder.write(MANIFEST, json(new TreeMap<>(facts)));
      return;
    }
    JsonNode known = parse(manifest.get(), folder.path(MANIFEST));
    List<String> differences = new ArrayList<>();
    for (String name : new TreeSet<>(facts.keySet())) {
      String found = known.path(name).asText();
      if (!Objects.equals(found, facts.get(name))) {
        differences.add("  " + name + " was " + found + ", now " + facts.get(name));
      }
    }
    if (!differences.isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          folder.path()
              + " holds results of another evaluation:\n"
              + String.join("\n", differences)
              + "\nuse another --out, or --overwrite to replace them");
    }
  }

  /** Where the table of a pair is. */
  String table(String kind, String specId, int shard) {
    return folder.path(name(kind, specId, shard));
  }

  private static String name(String kind, String specId, int shard) {
    return kind + "/spec=" + specId + "/shard=" + shard;
  }

  /** The record of a pair, if it is finished. */
  Optional<Pair> finished(String kind, String specId, int shard) {
    String name = name(kind, specId, shard);
    if (!folder.exists(name + "/" + COMMITTED)) {
      return Optional.empty();
    }
    return folder.read(name + "/" + RECORD).map(text -> pair(text, name));
  }

  private Pair pair(String text, String name) {
    JsonNode node = parse(text, folder.path(name));
    return new Pair(
        node.path("spec").asText(),
        node.path("spec_id").asText(),
        node.path("shard").asInt(),
        node.path("rows").asLong(),
        node.path("seconds").asDouble(),
        node.path("session").asText());
  }

  /** Notes that a pair is finished. */
  void finish(String kind, Pair pair) {
    String record =
        JSON.createObjectNode()
            .put("spec", pair.spec())
            .put("spec_id", pair.specId())
            .put("shard", pair.shard())
            .put("rows", pair.rows())
            .put("seconds", pair.seconds())
            .put("session", pair.session())
            .toString();
    folder.write(name(kind, pair.specId(), pair.shard()) + "/" + RECORD, record);
  }

  private static JsonNode parse(String text, String origin) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          origin + " is not what an evaluation wrote; use another --out, or --overwrite",
          e);
    }
  }

  private static String json(Map<String, String> facts) {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(facts) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("texts can be written as JSON", e);
    }
  }
}
