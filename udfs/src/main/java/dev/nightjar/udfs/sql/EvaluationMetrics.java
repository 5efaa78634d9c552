package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.GenerationResult;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The counters of one {@link LlmEvaluationExec} or {@link BatchInferenceExec}: made on the driver,
 * counted by tasks.
 *
 * @param modelRows rows that reached the model
 * @param okRows rows with an answer
 * @param nullRows rows whose prompt was null
 * @param errorRows rows with an error
 * @param cachedRows rows that went on from a prompt beginning that another row computed
 * @param cachedTokens prompt tokens that they did not compute
 * @param layersExecuted (token, layer) cells that ran
 * @param layersSaved (token, layer) cells that a dense run would have run in addition
 * @param meanLayers layers per token, one value a task
 * @param modelTime time in which the rows' tokens were computed, in nanoseconds
 */
record EvaluationMetrics(
    SQLMetric modelRows,
    SQLMetric okRows,
    SQLMetric nullRows,
    SQLMetric errorRows,
    SQLMetric promptTokens,
    SQLMetric cachedRows,
    SQLMetric cachedTokens,
    SQLMetric completionTokens,
    SQLMetric layersExecuted,
    SQLMetric layersSaved,
    SQLMetric meanLayers,
    SQLMetric modelTime)
    implements Serializable {

  /** What the SQL tab calls the rows that reached the model. */
  static final String MODEL_ROWS = "rows sent to the model";

  static EvaluationMetrics create(SparkContext context) {
    return new EvaluationMetrics(
        SQLMetrics.createMetric(context, MODEL_ROWS),
        SQLMetrics.createMetric(context, "rows answered"),
        SQLMetrics.createMetric(context, "rows with a null prompt"),
        SQLMetrics.createMetric(context, "rows with errors"),
        SQLMetrics.createMetric(context, "prompt tokens"),
        SQLMetrics.createMetric(context, "rows with a cached prompt beginning"),
        SQLMetrics.createMetric(context, "cached prompt tokens"),
        SQLMetrics.createMetric(context, "completion tokens"),
        SQLMetrics.createMetric(context, "layers executed"),
        SQLMetrics.createMetric(context, "layers not executed"),
        SQLMetrics.createAverageMetric(context, "layers per token"),
        SQLMetrics.createNanoTimingMetric(context, "time in the model", -1));
  }

  /** All of them, for a plan node. */
  scala.collection.immutable.Map<String, SQLMetric> byName() {
    Map<String, SQLMetric> all = new LinkedHashMap<>();
    all.put("modelRows", modelRows);
    all.put("okRows", okRows);
    all.put("nullRows", nullRows);
    all.put("errorRows", errorRows);
    all.put("promptTokens", promptTokens);
    all.put("cachedRows", cachedRows);
    all.put("cachedTokens", cachedTokens);
    all.put("completionTokens", completionTokens);
    all.put("layersExecuted", layersExecuted);
    all.put("layersSaved", layersSaved);
    all.put("meanLayers", meanLayers);
    all.put("modelTime", modelTime);
    return scala.collection.immutable.Map.from(CollectionConverters.asScala(all));
  }

  /** Counts one row. */
  void count(GenerationResult result) {
    if (result.error() != null) {
      errorRows.add(1);
    } else if (result.skippedNull()) {
      nullRows.add(1);
    } else {
      okRows.add(1);
    }
    if (result.usage().cachedTokens() > 0) {
      cachedRows.add(1);
    }
    promptTokens.add(result.usage().promptTokens());
    cachedTokens.add(result.usage().cachedTokens());
    completionTokens.add(result.usage().completionTokens());
    ComputeStats compute = result.compute();
    if (compute != null) {
      modelRows.add(1);
      modelTime.add(result.timing().cpuNanos());
      layersExecuted.add(compute.cellsExecuted());
      layersSaved.add(compute.cells() - compute.cellsExecuted());
      long cells = layersExecuted.value() + layersSaved.value();
      if (cells > 0) {
        meanLayers.set((double) layersExecuted.value() / cells * compute.numHiddenLayers());
      }
    }
  }
}
