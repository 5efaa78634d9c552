package dev.nightjar.job.evaluate;

import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.engine.EngineInfo;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.engine.depth.PolicySpec;
import dev.nightjar.job.Digests;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Loads every spec's engine once on an executor, so that faults are told before anything runs. */
final class SpecProbe {
  private static final int ID_LENGTH = 16;

  private SpecProbe() {}

  /**
   * The model that the specs run on.
   *
   * @param kernels the arithmetic in use
   */
  record Model(String name, String fingerprint, int layers, String kernels)
      implements Serializable {}

  /** A model, or why there is none. */
  private record Found(Model model, ErrorCode code, String problem) implements Serializable {}

  /**
   * The model under the given specs.
   *
   * @throws EngineException that lists every spec that does not fit the model
   */
  static Model check(SparkSession spark, InferenceOptions options, List<PlannedSpec> specs) {
    List<String> texts = specs.stream().map(PlannedSpec::text).toList();
    List<Found> found =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .parallelize(texts, 1)
            .map(text -> load(options, text))
            .collect();
    List<Found> bad = found.stream().filter(probe -> probe.problem() != null).distinct().toList();
    if (!bad.isEmpty()) {
      throw new EngineException(
          bad.getFirst().code(), String.join("\n", bad.stream().map(Found::problem).toList()));
    }
    return found.getFirst().model();
  }

  private static Found load(InferenceOptions options, String spec) {
    try (ExecutorEngines.Lease lease =
        ExecutorEngines.acquire(options.model(), options.engine().withDepth(spec))) {
      EngineInfo info = lease.engine().info();
      return new Found(
          new Model(info.model(), info.modelFingerprint(), info.numLayers(), info.kernels()),
          null,
          null);
    } catch (EngineException e) {
      String message = Objects.requireNonNullElse(e.getMessage(), e.toString());
      return new Found(null, e.code(), message);
    }
  }

  /**
   * The short name of a spec, which changes when the artefact behind it does.
   *
   * @param model the model as the user names it
   */
  static String id(String model, String text) {
    DepthSpec spec = DepthSpec.parse(text);
    Path at = EmbeddedModel.resolve(model);
    Path folder = Files.isDirectory(at) ? at : at.toAbsolutePath().getParent();
    List<Path> artefacts = new ArrayList<>();
    for (PolicySpec policy : spec.policies()) {
      artefacts.add(folder.resolve("depth").resolve(policy.name()));
      policy.options().values().forEach(value -> artefacts.add(Path.of(value)));
    }
    StringBuilder facts = new StringBuilder(spec.toString());
    for (Path artefact : artefacts) {
      if (Files.isDirectory(artefact)) {
        facts.append('\n').append(Digests.sha256(artefact));
      }
    }
    return Digests.sha256(facts.toString()).substring(0, ID_LENGTH);
  }
}
