package dev.nightjar.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The embedded model on a host's disk. */
class TestEmbeddedModel {
  @TempDir Path temp;

  private String extract() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + temp,
                "-Duser.name=ada/../b",
                "-cp",
                System.getProperty("java.class.path"),
                ExtractedModel.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor()).isZero();
    return output;
  }

  @Test
  void isUnpackedOnceForItsUserOnly() throws IOException, InterruptedException {
    Path folder = Path.of(extract());
    assertThat(folder.getParent()).isEqualTo(temp.resolve("nightjar-ada_.._b"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.getParent())))
        .isEqualTo("rwx------");
    Path weights = folder.resolve("model.safetensors");
    FileTime old = FileTime.from(Instant.ofEpochSecond(1000));
    Files.setLastModifiedTime(weights, old);
    Files.delete(folder.resolve("config.json"));
    assertThat(extract()).isEqualTo(folder.toString());
    assertThat(Files.getLastModifiedTime(weights)).isEqualTo(old);
    assertThat(folder.resolve("config.json")).isRegularFile();
  }

  @Test
  void folderThatOthersCanWriteIsRefused() throws IOException, InterruptedException {
    Path folder = Files.createDirectory(temp.resolve("nightjar-ada_.._b"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(extract())
        .contains("cannot be unpacked to " + folder, "can be written by other users")
        .contains("set java.io.tmpdir");
  }
}
