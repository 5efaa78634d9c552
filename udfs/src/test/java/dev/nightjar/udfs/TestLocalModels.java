package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models of other file systems as local files; each process here is an executor's. */
class TestLocalModels {
  @TempDir private Path folder;
  private Path model;
  private Path log;

  @BeforeEach
  void writeModel() throws IOException {
    model = Files.createDirectories(folder.resolve("remote/model/depth"));
    Files.writeString(model.resolve("depth.json"), "{}");
    model = model.getParent();
    Files.writeString(model.resolve("config.json"), "{\"a\": 1}");
    Files.writeString(model.resolve("model.safetensors"), "0123456789".repeat(10_000));
    log = Files.createFile(folder.resolve("opened"));
  }

  /** What {@link LocalModels#of} says in another process. */
  public static void main(String[] args) {
    Configuration conf = SparkHadoopUtil.get().conf();
    conf.set("fs.counted.impl", CountedFileSystem.class.getName());
    conf.set("fs.counted.log", args[1]);
    conf.set("fs.counted.broken", args[2]);
    try {
      System.out.println(LocalModels.of(args[0]));
    } catch (EngineException e) {
      System.out.println(e.code() + ": " + e.getMessage());
    }
  }

  private Process start(String name, String broken) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.add("-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("tmp")));
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(TestLocalModels.class.getName());
    command.addAll(List.of("counted://" + model.resolveSibling(name), log.toString(), broken));
    return new ProcessBuilder(command).redirectError(errors().toFile()).start();
  }

  private Path errors() {
    return folder.resolve("errors");
  }

  /** What the process printed last; it must have ended well. */
  private String answer(Process process) throws IOException {
    List<String> lines = process.inputReader().readAllLines();
    assertThat(process.onExit().join().exitValue())
        .as("exit code; errors:%n%s", Files.readString(errors()))
        .isZero();
    assertThat(lines).isNotEmpty();
    return lines.getLast();
  }

  private String localised(String broken) throws IOException {
    return answer(start("model", broken));
  }

  private void assertIsTheModel(String path) throws IOException {
    Path copy = Path.of(path);
    assertThat(copy).startsWith(folder.resolve("tmp")).hasFileName("model");
    for (String name : List.of("config.json", "model.safetensors", "depth/depth.json")) {
      assertThat(copy.resolve(name)).hasSameBinaryContentAs(model.resolve(name));
    }
  }

  /** Files opened since the last call. */
  private List<String> opened() throws IOException {
    List<String> names = Files.readAllLines(log);
    Files.writeString(log, "");
    return names;
  }

  @Test
  void executorsOfAHostCopyOnce() throws IOException {
    Process first = start("model", "");
    Process second = start("model", "");
    String path = answer(first);
    assertThat(answer(second)).isEqualTo(path);
    assertIsTheModel(path);
    assertThat(opened())
        .containsExactlyInAnyOrder("config.json", "depth.json", "model.safetensors");
    assertThat(localised("")).isEqualTo(path);
    assertThat(opened()).isEmpty();
  }

  @Test
  void aDownloadThatBreaksOffIsNotTheModel() throws IOException {
    assertThat(localised("model.safetensors"))
        .startsWith("INVALID_MODEL: model counted:")
        .contains("model.safetensors has 50000 bytes here, expected 100000");
    try (Stream<Path> left = Files.walk(folder.resolve("tmp"))) {
      assertThat(left).noneMatch(path -> path.endsWith(".sums"));
    }
    opened();
    assertIsTheModel(localised(""));
    assertThat(opened()).hasSize(3);
    try (Stream<Path> left = Files.walk(folder.resolve("tmp"))) {
      assertThat(left.filter(path -> path.endsWith("config.json"))).hasSize(1);
    }
  }

  @Test
  void aCopyThatWasDamagedIsMadeAnew() throws IOException {
    String path = localised("");
    assertIsTheModel(path);
    Path copy = Path.of(path);
    Files.writeString(copy.resolve("model.safetensors"), "9".repeat(100_000));
    assertIsTheModel(localised(""));
    Files.delete(copy.resolve("config.json"));
    assertIsTheModel(localised(""));
  }

  @Test
  void aModelThatChangedIsAnotherCopy() throws IOException {
    String before = localised("");
    Files.writeString(model.resolve("config.json"), "{\"a\": 22}");
    String after = localised("");
    assertThat(after).isNotEqualTo(before);
    assertIsTheModel(after);
  }

  @Test
  void aModelThatIsNotThereIsTold() throws IOException {
    assertThat(answer(start("no-such-model", "")))
        .startsWith("INVALID_MODEL: model counted:")
        .contains("no-such-model");
    Files.createDirectories(folder.resolve("remote/empty"));
    assertThat(answer(start("empty", ""))).contains("has no files");
  }

  @Test
  void localModelsAreUsedWhereTheyAre() {
    assertThat(LocalModels.of(model.toString())).isEqualTo(model);
    assertThat(LocalModels.of(model.toUri().toString())).isEqualTo(model);
  }

  @Test
  void aBareNameMayBeAFileThatCameWithTheJob() throws IOException {
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate()) {
      Path file = Files.copy(model.resolve("config.json"), folder.resolve("came-with-the-job"));
      spark.sparkContext().addFile(file.toString());
      Path given = LocalModels.of("came-with-the-job");
      assertThat(given).isAbsolute().hasSameBinaryContentAs(file);
      assertThat(LocalModels.of("another")).isEqualTo(Path.of("another"));
      // A local session puts it into the working folder.
      Files.delete(given);
    }
  }
}
