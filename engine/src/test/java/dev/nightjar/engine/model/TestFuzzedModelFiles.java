package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.sun.management.ThreadMXBean;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.GgufMetadata;
import dev.nightjar.engine.format.GgufWriter;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.ModelFile;
import dev.nightjar.engine.format.UnsupportedTensor;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files either open, and then every row and every metadata value can be asked for, or are
 * refused with an {@link EngineException}: no other exception or error, no hang, no large
 * allocation.
 */
class TestFuzzedModelFiles {
  private static final long SEED = 20_240_917;
  private static final long MAX_ALLOCATED_BYTES = 64L << 20;

  /** A guard against hanging, many times what the cases take. */
  private static final Duration WATCHDOG = Duration.ofMinutes(5);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** One way to damage a model on disk. */
  private interface Damage {
    byte[] apply(Mutations mutations, byte[] original);
  }

  @TempDir Path folder;
  private int opened;
  private int refused;

  @Test
  void damagedGgufFiles() throws IOException {
    for (DType dtype : List.of(DType.Q8_0, DType.Q4_0, DType.BF16)) {
      Path file = folder.resolve(dtype + ".gguf");
      new Checkpoint(32, 1, 2).writeGguf(file, dtype);
      fuzz(file, file, 1800, (mutations, bytes) -> mutations.binary(bytes, 1600));
    }
    assertBothOutcomes();
  }

  @Test
  void damagedBlocksOfEveryType() throws IOException {
    for (DType dtype : DType.values()) {
      Path file = folder.resolve(dtype + ".gguf");
      new Checkpoint(256, 1, 2).writeGguf(file, dtype);
      fuzz(file, file, 60, (mutations, bytes) -> mutations.binary(bytes, 1600));
      fuzz(file, file, 60, (mutations, bytes) -> mutations.binary(bytes, bytes.length));
    }
    assertBothOutcomes();
  }

  @Test
  void damagedFoldersInOneFile() throws IOException {
    Path file = folder.resolve("packed.gguf");
    Path model = new Checkpoint(32, 1, 7).writeFolder(folder.resolve("model"));
    GgufWriter writer = new GgufWriter();
    try (HuggingFaceFolder source = HuggingFaceFolder.open(model)) {
      source.addDescriptions(writer);
      for (Tensor tensor : source.all()) {
        writer.add(
            tensor.name(),
            DType.Q4_0,
            tensor.shape(),
            (index, row) -> tensor.readRow(index, row, 0));
      }
      writer.write(file);
    }
    exercise(file);
    assertThat(opened).isEqualTo(1);
    fuzz(file, file, 1200, (mutations, bytes) -> mutations.binary(bytes, 2400));
    assertBothOutcomes();
  }

  @Test
  void damagedSafetensorsFiles() throws IOException {
    Path model = new Checkpoint(8, 1, 3).writeFolder(folder.resolve("model"));
    Path weights = model.resolve("model.safetensors");
    fuzz(model, weights, 1500, (mutations, bytes) -> mutations.binary(bytes, 1200));
    fuzz(model, weights, 1500, Mutations::safetensorsHeader);
    assertBothOutcomes();
  }

  @Test
  void damagedShardsAndIndexes() throws IOException {
    Path model = new Checkpoint(8, 1, 4).writeShards(folder.resolve("model"));
    fuzz(model, model.resolve("model-1.safetensors"), 600, Mutations::safetensorsHeader);
    fuzz(model, model.resolve("model.safetensors.index.json"), 900, Mutations::json);
    assertBothOutcomes();
  }

  @Test
  void damagedDescriptions() throws IOException {
    Path model = new Checkpoint(8, 1, 5).writeFolder(folder.resolve("model"));
    Files.writeString(
        model.resolve("generation_config.json"), "{\"eos_token_id\": [2, 3], \"bos_token_id\": 1}");
    Files.writeString(
        model.resolve("tokenizer_config.json"),
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"{{ messages }}\"}]}");
    Files.writeString(
        model.resolve("tokenizer.json"),
        "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}");
    fuzz(model, model.resolve("config.json"), 1800, Mutations::json);
    fuzz(model, model.resolve("generation_config.json"), 300, Mutations::json);
    fuzz(model, model.resolve("tokenizer_config.json"), 300, Mutations::json);
    fuzz(model, model.resolve("tokenizer.json"), 300, Mutations::json);
    assertBothOutcomes();
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    Path gguf = new Checkpoint(32, 1, 6).writeGguf(folder.resolve("a.gguf"), DType.Q8_0);
    Path model = new Checkpoint(4, 1, 6).writeFolder(folder.resolve("model"));
    assertTruncationsRefused(gguf, gguf);
    assertTruncationsRefused(model, model.resolve("model.safetensors"));
  }

  /** Cuts the file in every byte of its header and here and there in its data. */
  private void assertTruncationsRefused(Path model, Path file) throws IOException {
    byte[] original = Files.readAllBytes(file);
    int cases = 0;
    // The last 32 bytes of a GGUF file may be padding.
    for (int length = 0; length < original.length - 32; length += length < 1600 ? 1 : 61) {
      Files.write(file, Arrays.copyOf(original, length));
      exercise(model);
      cases++;
    }
    assertThat(refused).isEqualTo(cases);
    assertThat(opened).isZero();
    refused = 0;
  }

  private void assertBothOutcomes() {
    assertThat(opened).as("cases that opened").isGreaterThan(20);
    assertThat(refused).as("cases that were refused").isGreaterThan(20);
  }

  /**
   * Opens {@code model} {@code count} times, each time with a differently damaged {@code file},
   * then restores it.
   */
  private void fuzz(Path model, Path file, int count, Damage damage) throws IOException {
    byte[] original = Files.readAllBytes(file);
    assertTimeoutPreemptively(
        WATCHDOG,
        () -> {
          for (int i = 0; i < count; i++) {
            byte[] damaged = damage.apply(new Mutations(new Random(SEED + i)), original);
            Files.write(file, damaged);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            assertThatCode(() -> exercise(model))
                .as("%s, damage %d", file.getFileName(), SEED + i)
                .doesNotThrowAnyException();
            assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
                .as("allocated bytes, %s, damage %d", file.getFileName(), SEED + i)
                .isLessThan(MAX_ALLOCATED_BYTES);
          }
        });
    Files.write(file, original);
  }

  private void exercise(Path path) {
    try (OpenModel model = ModelFiles.open(path)) {
      opened++;
      readAll(model.store());
    } catch (EngineException e) {
      refused++;
      assertThat(e.getMessage()).hasSizeBetween(20, 4000);
    }
    // What the model refuses may still pass the format's own checks; then all of it must be
    // readable.
    try (ModelFile file =
        Files.isDirectory(path) ? HuggingFaceFolder.open(path) : GgufFile.open(path)) {
      readAll(file);
    } catch (EngineException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  private static void readAll(ModelFile file) {
    for (Tensor tensor : file.all()) {
      float[] row = new float[tensor.columns()];
      for (int r = 0; r < tensor.rows(); r++) {
        tensor.readRow(r, row, 0);
      }
    }
    for (UnsupportedTensor tensor : file.unsupported()) {
      tolerate(() -> file.find(tensor.name()));
    }
    switch (file) {
      case GgufFile gguf -> readMetadata(gguf.metadata());
      case HuggingFaceFolder folder -> {
        tolerate(folder::tokenizer);
        tolerate(folder::tokenizerConfig);
        tolerate(folder::chatTemplate);
        tolerate(folder::generationConfig);
      }
    }
  }

  private static void readMetadata(GgufMetadata metadata) {
    for (String key : metadata.keys()) {
      tolerate(() -> metadata.stringValue(key));
      tolerate(() -> metadata.longValue(key));
      tolerate(() -> metadata.intValue(key));
      tolerate(() -> metadata.floatValue(key));
      tolerate(() -> metadata.booleanValue(key));
      tolerate(() -> metadata.strings(key));
      tolerate(() -> metadata.ints(key));
      tolerate(() -> metadata.floats(key));
      tolerate(() -> metadata.raw(key));
      tolerate(() -> metadata.describe(key));
    }
  }

  private static void tolerate(Runnable call) {
    try {
      call.run();
    } catch (EngineException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
