package dev.nightjar.job.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.package$;

/** An evaluation for machines ({@code evaluation.json}, the last line) and for Markdown. */
final class EvaluationReport {
  /** The whole evaluation. */
  static final String JSON = "evaluation.json";

  /** Its tables and plot. */
  static final String MARKDOWN = "evaluation.md";

  private static final JsonMapper MAPPER = new JsonMapper();

  private final Evaluation evaluation;
  private final EvaluationTables tables;
  private final Set<String> front;

  EvaluationReport(Evaluation evaluation) {
    this.evaluation = evaluation;
    this.tables = new EvaluationTables(evaluation);
    this.front =
        evaluation.front().stream().map(ParetoFront.Point::name).collect(Collectors.toSet());
  }

  /** The tables for a console. */
  List<String> console() {
    List<String> lines = new ArrayList<>(tables.quality().console());
    lines.add("");
    lines.addAll(tables.compute().console());
    lines.add("");
    lines.addAll(tables.notes());
    return lines;
  }

  /**
   * The same as Markdown.
   *
   * @param plots names of the plots beside it
   */
  String markdown(List<String> plots) {
    List<String> lines = new ArrayList<>();
    lines.add("# Quality against compute");
    lines.add("");
    for (String note : tables.notes()) {
      lines.add(note);
      lines.add("");
    }
    lines.addAll(tables.quality().markdown());
    lines.add("");
    lines.addAll(tables.compute().markdown());
    for (String plot : plots) {
      lines.add("");
      lines.add("![" + evaluation.options().metric() + " against FLOPs](" + plot + ")");
    }
    return String.join("\n", lines) + "\n";
  }

  /** Everything, as one JSON document. */
  String json() {
    ObjectNode node = head();
    node.put("elapsed_seconds", evaluation.elapsedSeconds());
    node.put("nightjar", evaluation.facts().get("nightjar"));
    node.put("spark", package$.MODULE$.SPARK_VERSION());
    node.put("java", System.getProperty("java.vm.version"));
    node.put("kernels", evaluation.model().kernels());
    node.put("num_hidden_layers", evaluation.model().layers());
    node.put("seed", evaluation.seed());
    node.put("bootstrap", evaluation.options().resamples());
    node.put("confidence", evaluation.options().confidence());
    ObjectNode facts = node.putObject("facts");
    new TreeMap<>(evaluation.facts()).forEach(facts::put);
    ArrayNode specs = node.putArray("specs");
    evaluation.specs().forEach(result -> specs.add(spec(result)));
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written as JSON", e);
    }
  }

  /** One JSON object on one line. */
  String lastLine() {
    ObjectNode node = head();
    node.put("elapsed_seconds", round(evaluation.elapsedSeconds()));
    node.put("output", evaluation.options().out());
    ArrayNode specs = node.putArray("specs");
    for (SpecResult result : evaluation.specs()) {
      ObjectNode spec = specs.addObject();
      spec.put("depth", result.spec().text());
      spec.put("kind", result.spec().family().label());
      Interval value = result.metric(evaluation.options().metric()).value();
      spec.put("value", round(value.estimate()));
      spec.put("low", round(value.low()));
      spec.put("high", round(value.high()));
      spec.put("flops_ratio", round(result.compute().flopsRatio()));
      result.rate().ifPresent(rate -> spec.put("rate_ratio", round(rate.median())));
      spec.put("front", front.contains(result.spec().text()));
    }
    return node.toString();
  }

  private ObjectNode head() {
    ObjectNode node = MAPPER.createObjectNode();
    node.put("status", "ok");
    node.put("model", evaluation.model().name());
    node.put("model_fingerprint", evaluation.model().fingerprint());
    node.put("metric", evaluation.options().metric());
    node.put("rows", evaluation.numRows());
    node.put("shards", evaluation.numShards());
    node.put("pairs_run", evaluation.pairsRun());
    node.put("pairs_reused", evaluation.pairsReused());
    return node;
  }

  private ObjectNode spec(SpecResult result) {
    ObjectNode node = MAPPER.createObjectNode();
    node.put("depth", result.spec().text());
    node.put("id", result.id());
    node.put("kind", result.spec().family().label());
    node.put("asked", result.spec().asked());
    result.spec().baselineOf().forEach(node.putArray("baseline_of")::add);
    node.put("front", front.contains(result.spec().text()));
    node.putObject("rows")
        .put("scored", result.rows().scored())
        .put("errors", result.rows().errors())
        .put("without_prompt", result.rows().withoutPrompt());
    ObjectNode metrics = node.putObject("metrics");
    result.metrics().forEach(metric -> put(metrics.putObject(metric.name()), metric));
    if (result.perplexity().isPresent()) {
      ObjectNode perplexity = node.putObject(Perplexity.NAME);
      put(perplexity, result.perplexity().get());
      perplexity.put("tokens", result.scoredTokens());
    }
    compute(node.putObject("compute"), result);
    rate(node.putObject("rate"), result);
    return node;
  }

  private static void put(ObjectNode node, Metric metric) {
    node.put("value", metric.value().estimate())
        .put("low", metric.value().low())
        .put("high", metric.value().high())
        .put("difference", metric.difference().estimate())
        .put("difference_low", metric.difference().low())
        .put("difference_high", metric.difference().high());
  }

  private static void compute(ObjectNode node, SpecResult result) {
    ComputeSums sums = result.compute();
    node.put("prompt_tokens", sums.promptTokens())
        .put("completion_tokens", sums.completionTokens())
        .put("prompt_cells", sums.promptCells())
        .put("prompt_cells_executed", sums.promptRun())
        .put("completion_cells", sums.completionCells())
        .put("completion_cells_executed", sums.completionRun())
        .put("attn_skipped", sums.attentionSkipped())
        .put("mlp_skipped", sums.feedForwardSkipped())
        .put("mean_attention_layers", sums.attentionLayers())
        .put("mean_feed_forward_layers", sums.feedForwardLayers())
        .put("flops", sums.flops())
        .put("flops_full", sums.flopsFull())
        .put("flops_ratio", sums.flopsRatio())
        .put("flops_ratio_to_dense_run", result.flopsToDenseRun())
        .put("kv_bytes", sums.kvBytes())
        .put("kv_bytes_full", sums.kvBytesFull())
        .put("kv_ratio", sums.kvRatio());
  }

  private static void rate(ObjectNode node, SpecResult result) {
    node.put("mean_batch_size", result.meanBatch());
    if (result.rate().isPresent()) {
      RateRatio rate = result.rate().get();
      node.putObject("ratio_to_dense")
          .put("median", rate.median())
          .put("min", rate.min())
          .put("max", rate.max())
          .put("shards", rate.shards());
    }
    ArrayNode pairs = node.putArray("shards");
    for (Pair pair : result.pairs()) {
      pairs
          .addObject()
          .put("shard", pair.shard())
          .put("rows", pair.rows())
          .put("seconds", pair.seconds())
          .put("rows_per_second", pair.rate())
          .put("session", pair.session());
    }
  }

  private static double round(double value) {
    return Math.round(value * 1e4) / 1e4;
  }
}
