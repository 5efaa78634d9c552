package dev.nightjar.engine;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * The small model that the jar carries. It is unpacked once per host and version into the temporary
 * folder, because weights are memory-mapped; concurrent processes may do so at the same time.
 */
public final class EmbeddedModel {
  /** The word that names this model wherever a model path is expected. */
  public static final String NAME = "embedded";

  private static final String ROOT = "/dev/nightjar/models/triage/";
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
    Path folder =
        Path.of(
            System.getProperty("java.io.tmpdir"), "nightjar-" + user(), "triage-" + contentHash());
    try {
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
              + "; set java.io.tmpdir to a writable folder",
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

  private static String user() {
    return System.getProperty("user.name", "user").replaceAll("[^A-Za-z0-9_.-]", "_");
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

  private static String contentHash() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (String file : FILES) {
        digest.update(file.getBytes(StandardCharsets.UTF_8));
        try (InputStream in = open(file)) {
          for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
            digest.update(buffer, 0, n);
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    } catch (IOException e) {
      throw new UncheckedIOException("the embedded model cannot be read from the class path", e);
    }
  }
}
