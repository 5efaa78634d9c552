package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestHuggingFaceModel {
  @TempDir Path folder;
  private final Checkpoint checkpoint = new Checkpoint(8, 2, 1);

  @Test
  void readsTheArchitecture() throws IOException {
    ModelConfig config = open();
    assertThat(config)
        .isEqualTo(
            new ModelConfig(
                "llama",
                8,
                8,
                2,
                2,
                1,
                4,
                8,
                1e-5f,
                new RopeConfig(10_000, new RopeConfig.None()),
                false,
                false,
                false,
                false,
                64,
                1,
                List.of(2),
                BlockDesign.llama(2, 4, new RopeConfig(10_000, new RopeConfig.None()))));
  }

  @Test
  void tensorsAreFoundByTheirOwnNames() throws IOException {
    try (OpenModel model = ModelFiles.open(checkpoint.writeFolder(folder))) {
      String name = "model.layers.1.self_attn.k_proj.weight";
      float[] row = new float[8];
      model.weights().find(name).orElseThrow().readRow(1, row, 0);
      assertThat(row[3]).isEqualTo(checkpoint.values(name)[11]);
      assertThat(model.weights().find("blk.0.attn_q.weight")).isEmpty();
      assertThat(model.weights().interleavedRotary()).isFalse();
    }
  }

  @Test
  void whatIsLeftOutHasTheDefaultsOfTransformers() throws IOException {
    for (String key :
        List.of(
            "num_key_value_heads",
            "max_position_embeddings",
            "rms_norm_eps",
            "rope_theta",
            "hidden_act",
            "bos_token_id",
            "eos_token_id",
            "architectures")) {
      checkpoint.config.remove(key);
    }
    for (int layer = 0; layer < 2; layer++) {
      checkpoint.shape("model.layers." + layer + ".self_attn.k_proj.weight", 8, 8);
      checkpoint.shape("model.layers." + layer + ".self_attn.v_proj.weight", 8, 8);
    }
    ModelConfig config = open();
    assertThat(config.numKvHeads()).isEqualTo(2);
    assertThat(config.contextLength()).isEqualTo(2048);
    assertThat(config.rmsNormEps()).isEqualTo(1e-6f);
    assertThat(config.rope().theta()).isEqualTo(10_000);
    assertThat(config.bosTokenId()).isEqualTo(-1);
    assertThat(config.eosTokenIds()).isEmpty();
  }

  @Test
  void tiedEmbeddingsNeedNoHead() throws IOException {
    checkpoint.shapes.remove("lm_head.weight");
    checkpoint.config.put("tie_word_embeddings", "true");
    assertThat(open().tiedEmbeddings()).isTrue();
  }

  @Test
  void biasesAreRequiredWhereTheConfigurationSaysSo() throws IOException {
    checkpoint.config.put("attention_bias", "true");
    assertRefused("tensor \"model.layers.0.self_attn.q_proj.bias\" is missing, expected [8]");
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "model.layers." + layer + ".self_attn.";
      checkpoint.shape(prefix + "q_proj.bias", 8);
      checkpoint.shape(prefix + "k_proj.bias", 4);
      checkpoint.shape(prefix + "v_proj.bias", 4);
      checkpoint.shape(prefix + "o_proj.bias", 8);
    }
    ModelConfig config = open();
    assertThat(config.qkvBias()).isTrue();
    assertThat(config.outputBias()).isTrue();
    assertThat(config.mlpBias()).isFalse();
    checkpoint.config.put("mlp_bias", "true");
    assertRefused("tensor \"model.layers.0.mlp.gate_proj.bias\" is missing");
  }

  @Test
  void headSizeMayDifferFromTheQuotient() throws IOException {
    checkpoint.config.put("head_dim", "6");
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "model.layers." + layer + ".self_attn.";
      checkpoint.shape(prefix + "q_proj.weight", 12, 8);
      checkpoint.shape(prefix + "k_proj.weight", 6, 8);
      checkpoint.shape(prefix + "v_proj.weight", 6, 8);
      checkpoint.shape(prefix + "o_proj.weight", 8, 12);
    }
    assertThat(open().headDim()).isEqualTo(6);
  }

  @Test
  void generationConfigOverridesTheEndTokens() throws IOException {
    checkpoint.config.put("eos_token_id", "[2, 3]");
    assertThat(open().eosTokenIds()).containsExactly(2, 3);
    Files.writeString(
        folder.resolve("generation_config.json"), "{\"eos_token_id\":[4,5],\"bos_token_id\":7}");
    assertThat(open().eosTokenIds()).containsExactly(4, 5);
    assertThat(open().bosTokenId()).isEqualTo(1);
    checkpoint.config.remove("bos_token_id");
    assertThat(open().bosTokenId()).isEqualTo(7);
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":\"x\"}");
    assertRefused("generation_config.json: eos_token_id is \"x\", expected a token id");
  }

  @Test
  void ropeScalingIsReadInItsOldAndNewForms() throws IOException {
    checkpoint.config.put("rope_scaling", "{\"type\":\"linear\",\"factor\":2.0}");
    assertThat(open().rope().scaling()).isEqualTo(new RopeConfig.Linear(2));
    checkpoint.config.put(
        "rope_scaling",
        "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
            + "\"original_max_position_embeddings\":8192}");
    assertThat(open().rope().scaling()).isEqualTo(new RopeConfig.Llama3(8, 1, 4, 8192));
    checkpoint.config.put("rope_scaling", "null");
    assertThat(open().rope().scaling()).isEqualTo(new RopeConfig.None());
    checkpoint.config.remove("rope_theta");
    checkpoint.config.put("rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":500000.0}");
    assertThat(open().rope()).isEqualTo(new RopeConfig(500_000, new RopeConfig.None()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "hidden_size | 0 | hidden_size is 0, expected 1 to 65536",
        "hidden_size | -8 | hidden_size is -8",
        "hidden_size | 99999999999 | hidden_size is 99999999999",
        "hidden_size | 99999999999999999999 | expected an integer",
        "hidden_size | \"8\" | hidden_size is \"8\", expected an integer",
        "hidden_size | 8.0 | hidden_size is 8.0, expected an integer",
        "hidden_size | null | hidden_size is null, expected an integer",
        "hidden_size | 9 | hidden_size=9 is not a multiple of num_attention_heads=2",
        "num_hidden_layers | 2000 | expected 1 to 1024",
        "num_attention_heads | 0 | expected 1 to 1024",
        "num_key_value_heads | 3 | num_attention_heads=2 is not a multiple of"
            + " num_key_value_heads=3",
        "head_dim | 5 | head_dim is 5, expected an even number",
        "intermediate_size | 2000000 | expected 1 to 1048576",
        "vocab_size | 2147483648 | expected 1 to 4194304",
        "max_position_embeddings | 0 | expected 1 to",
        "rms_norm_eps | \"x\" | expected a number",
        "rms_norm_eps | -1 | rms_norm_eps is -1.0",
        "rope_theta | 1e400 | rope_theta is Infinity",
        "rope_theta | 0 | rope_theta is 0.0",
        "rope_scaling | {\"type\":\"yarn\",\"factor\":2} | type yarn is not supported yet",
        "rope_scaling | {\"type\":\"linear\"} | factor is missing, expected a number",
        "rope_scaling | {\"rope_type\":\"llama3\",\"factor\":2,\"low_freq_factor\":4,"
            + "\"high_freq_factor\":1} | is not below high_freq_factor",
        "partial_rotary_factor | 0.5 | partial_rotary_factor is not 1",
        "hidden_act | \"gelu\" | hidden_act is \"gelu\", expected \"silu\"",
        "architectures | [\"MambaForCausalLM\"] | supported: LlamaForCausalLM, Mistral",
        "quantization_config | {\"bits\":4} | quantization_config is present",
        "tie_word_embeddings | 1 | tie_word_embeddings is 1, expected true or false",
        "bos_token_id | 8 | the begin-of-sequence token is 8, expected less than vocab_size=8",
        "eos_token_id | -1 | the end-of-sequence token is -1",
        "eos_token_id | [1,null] | eos_token_id is null, expected a token id",
      })
  void faultsOfTheConfigurationAreNamed(String key, String value, String problem)
      throws IOException {
    checkpoint.config.put(key, value);
    assertRefused(problem);
    assertRefused("config.json: ");
  }

  @Test
  void wrongShapesAreNamedWithTheirReason() throws IOException {
    checkpoint.shape("model.layers.1.self_attn.q_proj.weight", 16, 8);
    assertRefused(
        "model.safetensors: tensor \"model.layers.1.self_attn.q_proj.weight\" has shape [16, 8],"
            + " expected [8, 8] (num_attention_heads=2 x head_dim=4, hidden_size=8 in config.json);"
            + " re-export the checkpoint");
    checkpoint.shape("model.layers.1.self_attn.q_proj.weight", 64);
    assertRefused("has shape [64], expected [8, 8]");
  }

  @Test
  void missingTensorsAreNamed() throws IOException {
    checkpoint.shapes.remove("model.norm.weight");
    assertRefused(
        "model.safetensors: tensor \"model.norm.weight\" is missing, expected [8]"
            + " (hidden_size=8 in config.json); re-export the checkpoint");
  }

  private ModelConfig open() throws IOException {
    try (OpenModel model = ModelFiles.open(checkpoint.writeFolder(folder))) {
      return model.weights().config();
    }
  }

  private void assertRefused(String problem) {
    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_MODEL))
        .hasMessageContaining(problem);
  }
}
