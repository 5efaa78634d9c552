package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.kernel.PackedMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * A process that loads a model through a packed cache: prints the checksum of all packed matrices,
 * then waits until its input ends. Arguments: model, cache folder.
 */
final class PackedLoad {
  private PackedLoad() {}

  public static void main(String[] args) throws java.io.IOException {
    try (OpenModel model = ModelFiles.open(Path.of(args[0]));
        Arena arena = Arena.ofShared()) {
      LowRankUpdates updates = LowRankUpdates.none(model.weights().config().numLayers());
      System.out.println(checksum(PackedCache.of(args[1]).load(model, updates, arena)));
      System.in.read();
    }
  }

  /** Of the packed bytes of all matrices. */
  static long checksum(ModelWeights weights) {
    CRC32C crc = new CRC32C();
    add(weights.head, crc);
    for (LayerWeights layer : weights.layers) {
      LayerWeights.Attention attention = layer.attention();
      add(attention.query().weight(), crc);
      add(attention.key().weight(), crc);
      add(attention.value().weight(), crc);
      add(attention.output().weight(), crc);
      for (LayerWeights.Expert expert : layer.feedForward().experts()) {
        add(expert.gate().weight(), crc);
        add(expert.up().weight(), crc);
        add(expert.down().weight(), crc);
      }
    }
    return crc.getValue();
  }

  private static void add(PackedMatrix matrix, CRC32C crc) {
    MemorySegment data = matrix.data();
    ByteBuffer bytes = data.asByteBuffer();
    crc.update(bytes);
  }
}
