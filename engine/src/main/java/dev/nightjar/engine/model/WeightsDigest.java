package dev.nightjar.engine.model;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The SHA-256 that ties a depth artefact to the weights it was trained with. */
public final class WeightsDigest {
  private WeightsDigest() {}

  /**
   * Hexadecimal SHA-256 of the weights file, or of the shards one after the other in name order;
   * reads all of them.
   */
  public static String of(ModelFile model) {
    List<Path> files = files(model);
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 20];
      for (Path file : files) {
        try (InputStream in = Files.newInputStream(file)) {
          for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
            digest.update(buffer, 0, n);
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    } catch (IOException e) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          "the weights " + files + " cannot be read: " + e.getMessage(),
          e);
    }
  }

  /** The files with weights, in name order. */
  static List<Path> files(ModelFile model) {
    List<Path> files = new ArrayList<>();
    switch (model) {
      case GgufFile gguf -> files.addAll(gguf.paths());
      case HuggingFaceFolder folder -> files.addAll(folder.weightPaths());
    }
    files.sort(null);
    return files;
  }
}
