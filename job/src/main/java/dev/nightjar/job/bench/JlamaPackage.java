package dev.nightjar.job.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Jlama's jars and what they need from Maven Central, fetched once into the cache by Maven. */
final class JlamaPackage {
  static final String VERSION = "0.8.4";

  private static final long TIMEOUT_MINUTES = 5;
  private static final String POM =
      """
      <project xmlns="http://maven.apache.org/POM/4.0.0">
        <modelVersion>4.0.0</modelVersion>
        <groupId>dev.nightjar</groupId>
        <artifactId>jlama-peer</artifactId>
        <version>1</version>
        <dependencies>
          <dependency>
            <groupId>com.github.tjake</groupId>
            <artifactId>jlama-core</artifactId>
            <version>%s</version>
          </dependency>
        </dependencies>
      </project>
      """;

  private JlamaPackage() {}

  /**
   * The folder of the jars.
   *
   * @throws IOException when there is no Maven, or it fails
   */
  static Path fetch(Path cache) throws IOException {
    Path folder = cache.resolve("peers").resolve("jlama-" + VERSION).toAbsolutePath();
    Path jars = folder.resolve("jars");
    Path complete = folder.resolve("complete");
    if (!Files.exists(complete)) {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("pom.xml"), POM.formatted(VERSION));
      maven(folder, jars);
      Files.createFile(complete);
    }
    return jars;
  }

  private static void maven(Path folder, Path jars) throws IOException {
    Path log = folder.resolve("maven.log");
    Process maven =
        new ProcessBuilder(
                "mvn",
                "-q",
                "-B",
                "-ntp",
                "dependency:copy-dependencies",
                "-DoutputDirectory=" + jars)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!maven.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES)) {
        throw new IOException("mvn took longer than " + TIMEOUT_MINUTES + " minutes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("mvn was interrupted", e);
    } finally {
      maven.destroyForcibly();
    }
    if (maven.exitValue() != 0) {
      throw new IOException(
          "mvn failed with exit code %d; see %s".formatted(maven.exitValue(), log));
    }
  }
}
