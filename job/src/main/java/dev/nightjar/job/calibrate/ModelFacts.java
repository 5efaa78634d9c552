package dev.nightjar.job.calibrate;

import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.ModelFiles;
import dev.nightjar.engine.model.OpenModel;
import dev.nightjar.engine.model.WeightsDigest;
import java.io.Serializable;

/**
 * What the driver must know of the model.
 *
 * @param name its folder or file
 * @param sha256 of its weights, as depth artefacts name it
 * @param layerMacs multiply-adds of one layer's projections for one token
 * @param kvMacs the part of them that makes keys and values
 * @param headMacs multiply-adds of the head for one token
 */
record ModelFacts(
    String name,
    String sha256,
    int layers,
    int hiddenSize,
    int vocabSize,
    int contextLength,
    long layerMacs,
    long kvMacs,
    long headMacs)
    implements Serializable {

  /** Opens the model's files, reads all of them once, and closes them. */
  static ModelFacts read(String model) {
    try (OpenModel files = ModelFiles.open(EmbeddedModel.resolve(model))) {
      ModelConfig config = files.weights().config();
      return new ModelFacts(
          files.name(),
          WeightsDigest.of(files.store()),
          config.numLayers(),
          config.hiddenSize(),
          config.vocabSize(),
          config.contextLength(),
          config.layerMacs(),
          config.kvProjectionMacs(),
          config.headMacs());
    }
  }
}
