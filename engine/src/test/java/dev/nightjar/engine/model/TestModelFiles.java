package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestModelFiles {
  @TempDir Path folder;
  private final Checkpoint checkpoint = new Checkpoint(32, 2, 1);

  @Test
  void opensAFolderItsWeightsFileAndShards() throws IOException {
    Path single = checkpoint.writeFolder(folder.resolve("single"));
    Path sharded = checkpoint.writeShards(folder.resolve("sharded"));
    for (Path path :
        new Path[] {
          single,
          single.resolve("model.safetensors"),
          sharded,
          sharded.resolve("model-1.safetensors"),
        }) {
      try (OpenModel model = ModelFiles.open(path)) {
        assertThat(model.name()).isIn("single", "sharded");
        assertThat(model.store()).isInstanceOf(HuggingFaceFolder.class);
        assertThat(model.weights().config().hiddenSize()).isEqualTo(32);
        assertThat(model.fingerprint()).matches("[0-9a-f]{64}");
      }
    }
  }

  @Test
  void opensAGgufFileUnderAnyNameAndInAFolder() throws IOException {
    Path file = checkpoint.writeGguf(folder.resolve("tiny.q8.gguf"), DType.Q8_0);
    assertGguf(file, "tiny.q8");
    assertGguf(folder, "tiny.q8");
    Path blob = Files.move(file, folder.resolve("sha256-0123"));
    assertGguf(blob, "sha256-0123");
  }

  @Test
  void whatIsNoModelIsRefusedWithAdvice() throws IOException {
    assertRefused(folder.resolve("absent"), "does not exist");
    assertRefused(folder, "holds no model, expected config.json with safetensors files, or one");
    Path text = Files.writeString(folder.resolve("notes.txt"), "hello");
    assertRefused(text, "is not a GGUF file");
    Files.writeString(folder.resolve("pytorch_model.bin"), "x");
    assertRefused(folder, "holds PyTorch pickle weights only");
    Files.writeString(folder.resolve("config.json"), "{}");
    assertRefused(folder, "holds PyTorch pickle weights only");
    Files.delete(folder.resolve("pytorch_model.bin"));
    assertRefused(folder, "holds config.json but neither model.safetensors nor");
    Files.delete(folder.resolve("config.json"));
    Path weights = Files.writeString(folder.resolve("model.safetensors"), "x");
    assertRefused(folder, "holds safetensors but no config.json");
    assertRefused(weights, "there is no config.json beside the file");
    Files.writeString(folder.resolve("a.gguf"), "x");
    Files.writeString(folder.resolve("b.gguf"), "x");
    assertRefused(folder, "holds several GGUF files [a.gguf, b.gguf]; give the path of one");
  }

  @Test
  void aSafetensorsFileThatIsNotOfTheModelIsRefused() throws IOException {
    checkpoint.writeFolder(folder);
    Path other =
        Files.copy(folder.resolve("model.safetensors"), folder.resolve("other.safetensors"));
    assertRefused(other, "is not among the weights of its folder, which are [model.safetensors]");
  }

  @Test
  void fingerprintDependsOnContentOnly() throws IOException {
    String first = fingerprint(checkpoint.writeFolder(folder.resolve("a")));
    assertThat(fingerprint(checkpoint.writeFolder(folder.resolve("b")))).isEqualTo(first);
    assertThat(fingerprint(folder.resolve("b/model.safetensors"))).isEqualTo(first);
  }

  @Test
  void fingerprintChangesWithEveryTensorAndDescription() throws IOException {
    Path model = checkpoint.writeFolder(folder.resolve("a"));
    String original = fingerprint(model);
    for (String name : checkpoint.shapes.keySet()) {
      checkpoint.writeFolder(model);
      negateValueInTheMiddle(model, name);
      assertThat(fingerprint(model)).as(name).isNotEqualTo(original);
    }
    checkpoint.writeFolder(model);
    assertThat(fingerprint(model)).isEqualTo(original);
    Files.writeString(model.resolve("tokenizer.json"), "{}");
    String withTokenizer = fingerprint(model);
    Files.writeString(model.resolve("chat_template.jinja"), "x");
    String withTemplate = fingerprint(model);
    checkpoint.config.put("rope_theta", "20000.0");
    checkpoint.writeConfig(model);
    assertThat(fingerprint(model))
        .isNotIn(original, withTokenizer, withTemplate)
        .isNotEqualTo(original);
    assertThat(withTokenizer).isNotEqualTo(original);
    assertThat(withTemplate).isNotEqualTo(withTokenizer);
  }

  @Test
  void fingerprintOfGgufChangesWithTheTokenizer() throws IOException {
    Path a = folder.resolve("a.gguf");
    Path b = folder.resolve("b.gguf");
    String[] tokens = {"a", "b", "c", "d", "e", "f", "g", "h"};
    checkpoint
        .ggufTensors(
            checkpoint.ggufMetadata().put("tokenizer.ggml.tokens", tokens.clone()), DType.Q4_0)
        .write(a);
    tokens[7] = "i";
    checkpoint
        .ggufTensors(checkpoint.ggufMetadata().put("tokenizer.ggml.tokens", tokens), DType.Q4_0)
        .write(b);
    assertThat(fingerprint(a)).isNotEqualTo(fingerprint(b));
  }

  /** Changes four bytes in the middle of the tensor, in the file. */
  private static void negateValueInTheMiddle(Path model, String name) throws IOException {
    Path file = model.resolve("model.safetensors");
    long position;
    try (OpenModel open = ModelFiles.open(model)) {
      Tensor last = null;
      long bytes = 0;
      long before = -1;
      for (Tensor tensor : open.store().all()) {
        if (tensor.name().equals(name)) {
          before = bytes;
          last = tensor;
        }
        bytes += tensor.data().byteSize();
      }
      position = Files.size(file) - bytes + before + last.data().byteSize() / 2;
    }
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      access.seek(position);
      int value = access.readInt();
      access.seek(position);
      access.writeInt(~value);
    }
  }

  private static void assertGguf(Path path, String name) {
    try (OpenModel model = ModelFiles.open(path)) {
      assertThat(model.store()).isInstanceOf(GgufFile.class);
      assertThat(model.name()).isEqualTo(name);
    }
  }

  private static String fingerprint(Path path) {
    try (OpenModel model = ModelFiles.open(path)) {
      return model.fingerprint();
    }
  }

  private static void assertRefused(Path path, String problem) {
    assertThatThrownBy(() -> ModelFiles.open(path).close())
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MODEL))
        .hasMessageContaining(problem);
  }
}
