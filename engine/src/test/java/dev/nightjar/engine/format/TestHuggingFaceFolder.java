package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestHuggingFaceFolder {
  @TempDir Path parent;
  private Path folder;

  @BeforeEach
  void writeConfig() throws IOException {
    folder = Files.createDirectory(parent.resolve("model"));
    write("config.json", "{\"model_type\":\"llama\"}");
  }

  @Test
  void readsOneWeightsFile() throws IOException {
    weights("model.safetensors", "a", 1);
    try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
      assertThat(opened.config().path("model_type").asText()).isEqualTo("llama");
      assertThat(opened.find("a")).isPresent();
      assertThat(opened.find("b")).isEmpty();
      assertThat(opened.weightFiles()).containsExactly("model.safetensors");
      assertThat(opened.fileOf("a")).isEqualTo("model.safetensors");
      assertThat(opened.generationConfig()).isEmpty();
      assertThat(opened.tokenizer()).isEmpty();
      assertThat(opened.tokenizerConfig()).isEmpty();
      assertThat(opened.chatTemplate()).isEmpty();
    }
  }

  @Test
  void readsShardsByTheirIndex() throws IOException {
    weights("one.safetensors", "a", 1);
    new SafetensorsWriter()
        .add("b", new long[] {1}, new float[] {2})
        .add("unlisted", new long[] {1}, new float[] {3})
        .add("half", DType.F16, new long[] {1}, RowSource.of(new float[] {4}))
        .write(folder.resolve("two.safetensors"));
    index("{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\",\"half\":\"two.safetensors\"}");
    try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
      assertThat(opened.all()).extracting(Tensor::name).containsExactly("b", "half", "a");
      assertThat(opened.find("unlisted")).isEmpty();
      assertThat(opened.weightFiles()).containsExactly("two.safetensors", "one.safetensors");
      assertThat(opened.fileOf("a")).isEqualTo("one.safetensors");
      float[] row = new float[1];
      opened.find("b").orElseThrow().readRow(0, row, 0);
      assertThat(row[0]).isEqualTo(2f);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"../outside.safetensors\"",
        "\"/outside.safetensors\"",
        "\"sub/in.safetensors\"",
        "\"..\\\\outside.safetensors\"",
        "\"\"",
        "\"config.json\"",
        "17",
        "null",
        "[\"a.safetensors\"]",
      })
  void shardNamesMustBePlain(String shard) throws IOException {
    weights("../outside.safetensors", "a", 1);
    index("{\"a\":" + shard + "}");
    assertRefused("model.safetensors.index.json: the shard name");
  }

  @Test
  void shardNamesThatNoFileSystemHasAreRefused() throws IOException {
    index("{\"a\":\"a\\u0000.safetensors\"}");
    assertRefused("is not a file name");
    index("{\"a\":\"" + "x".repeat(5000) + ".safetensors\"}");
    assertRefused("does not exist");
  }

  @Test
  void indexFaultsAreRefused() throws IOException {
    index("{}");
    assertRefused("weight_map is missing or empty");
    index("[]");
    assertRefused("weight_map is missing or empty");
    weights("one.safetensors", "a", 1);
    index("{\"b\":\"one.safetensors\"}");
    assertRefused("one.safetensors: tensor \"b\" is missing");
    index("{\"a\":\"missing.safetensors\"}");
    assertRefused("missing.safetensors does not exist");
    write("model.safetensors.index.json", "{\"weight_map\":");
    assertRefused("model.safetensors.index.json: malformed JSON");
  }

  @Test
  void missingAndMalformedConfigurationsAreRefused() throws IOException {
    weights("model.safetensors", "a", 1);
    write("config.json", "{");
    assertRefused("config.json: malformed JSON");
    write("config.json", "[1]");
    assertRefused("config.json: the top level is not a JSON object");
    write("config.json", "");
    assertRefused("config.json: the top level is not a JSON object");
    write("config.json", "{} {}");
    assertRefused("config.json: malformed JSON");
    write("config.json", "{\"a\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}");
    assertRefused("nesting depth");
    Files.delete(folder.resolve("config.json"));
    assertRefused("has no config.json");
  }

  @Test
  void missingWeightsAreRefused() {
    assertRefused("has neither model.safetensors nor model.safetensors.index.json");
  }

  @Test
  void tokenizerFaultsHaveTheirOwnCode() throws IOException {
    weights("model.safetensors", "a", 1);
    write("tokenizer.json", "{\"model\":");
    try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
      assertThatThrownBy(opened::tokenizer)
          .isInstanceOfSatisfying(
              EngineException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER))
          .hasMessageContaining("tokenizer.json: malformed JSON");
    }
  }

  @Test
  void chatTemplateIsFoundInEachOfItsPlaces() throws IOException {
    weights("model.safetensors", "a", 1);
    write("tokenizer_config.json", "{\"chat_template\":\"plain\"}");
    assertThat(chatTemplate()).isEqualTo("plain");
    write(
        "tokenizer_config.json",
        "{\"chat_template\":[{\"name\":\"tools\",\"template\":\"x\"},"
            + "{\"name\":\"default\",\"template\":\"listed\"}]}");
    assertThat(chatTemplate()).isEqualTo("listed");
    write("chat_template.jinja", "own file");
    assertThat(chatTemplate()).isEqualTo("own file");
  }

  private String chatTemplate() {
    try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
      return opened.chatTemplate().orElseThrow();
    }
  }

  private void weights(String file, String tensor, float value) throws IOException {
    new SafetensorsWriter()
        .add(tensor, new long[] {1}, new float[] {value})
        .write(folder.resolve(file));
  }

  private void index(String weightMap) throws IOException {
    write("model.safetensors.index.json", "{\"metadata\":{},\"weight_map\":" + weightMap + "}");
  }

  private void write(String file, String content) throws IOException {
    Files.writeString(folder.resolve(file), content);
  }

  private void assertRefused(String problem) {
    assertThatThrownBy(() -> HuggingFaceFolder.open(folder).close())
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MODEL))
        .hasMessageContaining(problem);
  }
}
