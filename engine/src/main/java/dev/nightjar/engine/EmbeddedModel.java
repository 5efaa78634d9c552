package dev.nightjar.engine;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.model.OwnFolder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * The small model that the jar carries. It is unpacked once per host and version into the temporary
 * folder, because weights are memory-mapped; concurrent processes may do so at the same time.
 */
public final class EmbeddedModel {
  /** The word that names this model wherever a model path is expected. */
  public static final String NAME = "embedded";

  private static final String ROOT = "/dev/nightjar/models/triage/";

  /** Bytes at the beginning of a file that take part in the hash of the content. */
  private static final int HASHED_BYTES = 1 << 16;

  private static final List<String> FILES =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "model.safetensors",
          "depth/dllm/depth.json",
          "depth/dllm/depth.safetensors",
          "depth/static/depth.json",
          "depth/static/depth.safetensors",
          "depth/random/depth.json",
          "depth/random/depth.safetensors");

  private EmbeddedModel() {}

  /** The path of a model as users write it: {@link #NAME} or a path. */
  public static Path resolve(String model) {
    return model.equals(NAME) ? extract() : Path.of(model);
  }

  /** The folder of the unpacked model; files that are missing there are unpacked first. */
  public static Path extract() {
    Path folder = OwnFolder.path().resolve("triage-" + contentHash());
    try {
      OwnFolder.prepare(OwnFolder.path());
      for (String file : FILES) {
        Path target = folder.resolve(file);
        if (!Files.isRegularFile(target)) {
          unpack(file, target);
        }
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the embedded model cannot be unpacked to "
              + folder
              + " ("
              + e.getMessage()
              + "); set java.io.tmpdir to a folder that this user can write to",
          e);
    }
  }

  /** Writes beside the target and renames, so that a file is either absent or complete. */
  private static void unpack(String file, Path target) throws IOException {
    Files.createDirectories(target.getParent());
    Path fresh = Files.createTempFile(target.getParent(), target.getFileName().toString(), ".part");
    try (InputStream in = open(file)) {
      Files.copy(in, fresh, StandardCopyOption.REPLACE_EXISTING);
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }

  private static InputStream open(String file) {
    InputStream in = EmbeddedModel.class.getResourceAsStream(ROOT + file);
    if (in == null) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          "the embedded model's file "
              + file
              + " is not on the class path; use a complete Nightjar jar, or name a model");
    }
    return in;
  }

  /**
   * Names the content without reading all of it: the descriptions, which hold the digest of the
   * weights, and the beginning of the weights. A checksum does, as all of it is our own; it takes a
   * tenth of the time of a cryptographic hash in a JVM that has just started.
   */
  private static String contentHash() {
    try {
      CRC32C first = new CRC32C();
      CRC32 second = new CRC32();
      for (String file : FILES) {
        try (InputStream in = open(file)) {
          byte[] bytes = in.readNBytes(HASHED_BYTES);
          first.update(bytes);
          second.update(bytes);
        }
      }
      return HexFormat.of().toHexDigits(first.getValue() << 32 | second.getValue());
    } catch (IOException e) {
      throw new UncheckedIOException("the embedded model cannot be read from the class path", e);
    }
  }
}
