package dev.nightjar.job.ledger;

import dev.nightjar.engine.EngineInfo;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.engine.depth.PolicySpec;
import dev.nightjar.job.Digests;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.LocalModels;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Which model a job runs, read where it is: on an executor.
 *
 * @param fingerprint hash of weights, tokenizer and chat template
 * @param depthPolicy the canonical depth specification
 * @param artefacts hash of the depth artefacts that the specification uses; empty without any
 */
public record ModelIdentity(String fingerprint, String depthPolicy, String artefacts)
    implements Serializable {

  /** Loads the engine in one task, which leaves it warm for the next ones. */
  public static ModelIdentity read(SparkSession spark, InferenceOptions options) {
    return JavaSparkContext.fromSparkContext(spark.sparkContext())
        .parallelize(List.of(options), 1)
        .map(ModelIdentity::of)
        .first();
  }

  private static ModelIdentity of(InferenceOptions options) {
    try (ExecutorEngines.Lease lease = ExecutorEngines.acquire(options.model(), options.engine())) {
      EngineInfo info = lease.engine().info();
      return new ModelIdentity(info.modelFingerprint(), info.depthPolicy(), artefacts(options));
    }
  }

  private static String artefacts(InferenceOptions options) {
    StringBuilder hashes = new StringBuilder();
    Path model = LocalModels.of(options.model()).toAbsolutePath();
    Path folder = Files.isDirectory(model) ? model : model.getParent();
    for (PolicySpec policy : DepthSpec.parse(options.engine().depth()).policies()) {
      String named = policy.options().get("artefact");
      Path artefact =
          named == null ? folder.resolve("depth").resolve(policy.name()) : Path.of(named);
      if (Files.isDirectory(artefact)) {
        hashes.append(Digests.sha256(artefact));
      }
    }
    return hashes.isEmpty() ? "" : Digests.sha256(hashes.toString());
  }
}
