package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.RowSource;
import dev.nightjar.engine.format.SafetensorsWriter;
import dev.nightjar.engine.model.BlockDesign.LayerDesign;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read from configurations like those that the families' makers publish. */
class TestFamilyConfigs {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .configure(JsonParser.Feature.ALLOW_SINGLE_QUOTES, true)
          .configure(JsonParser.Feature.ALLOW_UNQUOTED_FIELD_NAMES, true);

  /** A small model of a class, with more keys. */
  private static ModelConfig read(String className, String keys) throws JsonProcessingException {
    ObjectNode config =
        (ObjectNode)
            JSON.readTree(
                "{vocab_size: 64, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 4,"
                    + "num_attention_heads: 4, num_key_value_heads: 2, architectures: ['"
                    + className
                    + "']}");
    config.setAll((ObjectNode) JSON.readTree("{" + keys + "}"));
    return HuggingFaceConfig.parse(config, Optional.empty());
  }

  private static List<Integer> windows(ModelConfig config) {
    return config.blocks().layers().stream().map(LayerDesign::window).toList();
  }

  @Test
  void mistralHasAWindowUnlessItIsNull() throws JsonProcessingException {
    assertThat(windows(read("MistralForCausalLM", ""))).containsOnly(4096);
    assertThat(windows(read("MistralForCausalLM", "sliding_window: 8"))).containsOnly(8);
    assertThat(windows(read("MistralForCausalLM", "sliding_window: null"))).containsOnly(0);
  }

  @Test
  void qwen2HasBiasesButNotOfTheOutput() throws JsonProcessingException {
    ModelConfig config = read("Qwen2ForCausalLM", "use_sliding_window: false, sliding_window: 9");
    assertThat(config.qkvBias()).isTrue();
    assertThat(config.outputBias()).isFalse();
    assertThat(windows(config)).containsOnly(0);
    String windowed = "use_sliding_window: true, sliding_window: 9, max_window_layers: 3";
    assertThat(windows(read("Qwen2ForCausalLM", windowed))).containsExactly(0, 0, 0, 9);
  }

  @Test
  void layerTypesDecideWhichLayersHaveWindows() throws JsonProcessingException {
    String types =
        "use_sliding_window: true, sliding_window: 9, layer_types: ['sliding_attention',"
            + " 'full_attention', 'sliding_attention', 'full_attention']";
    assertThat(windows(read("Qwen3ForCausalLM", types))).containsExactly(9, 0, 9, 0);
    assertThatThrownBy(() ->
            read("Qwen3ForCausalLM", types.replace("'full_attention'", "'chunked_attention'")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("layer_types has \"chunked_attention\"");
  }

  @Test
  void qwen3HeadsAreAsLargeAsTheFileSays() throws JsonProcessingException {
    ModelConfig config = read("Qwen3ForCausalLM", "head_dim: 24");
    assertThat(config.headDim()).isEqualTo(24);
    assertThat(read("Qwen3ForCausalLM", "").headDim()).isEqualTo(128);
    assertThat(config.blocks().queryKeyNorms()).isEqualTo(BlockDesign.QueryKeyNorms.HEADS);
  }

  @Test
  void smolLm3LeavesLayersWithoutPositions() throws JsonProcessingException {
    assertThat(read("SmolLM3ForCausalLM", "").blocks().layers())
        .extracting(layer -> layer.rope() != null)
        .containsExactly(true, true, true, false);
    assertThat(read("SmolLM3ForCausalLM", "no_rope_layers: [0, 1, 1, 0]").blocks().layers())
        .extracting(layer -> layer.rope() != null)
        .containsExactly(false, true, true, false);
  }

  @Test
  void gemma2HasItsFactorsCapsAndWindows() throws JsonProcessingException {
    ModelConfig config = read("Gemma2ForCausalLM", "");
    BlockDesign blocks = config.blocks();
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.headDim()).isEqualTo(256);
    assertThat(windows(config)).containsExactly(4096, 0, 4096, 0);
    assertThat(blocks.norms()).isEqualTo(BlockDesign.Norms.AROUND);
    assertThat(blocks.activation()).isEqualTo(BlockDesign.Activation.GELU_TANH);
    assertThat(blocks.attentionCap()).isEqualTo(50);
    assertThat(blocks.logitCap()).isEqualTo(30);
    assertThat(blocks.scales())
        .isEqualTo(new BlockDesign.Scales((float) Math.sqrt(32), 1, 1 / 16f, 1));
    String own = "query_pre_attn_scalar: 64, attn_logit_softcapping: null";
    assertThat(read("Gemma2ForCausalLM", own).blocks().scales().attention()).isEqualTo(1 / 8f);
    assertThat(read("Gemma2ForCausalLM", own).blocks().attentionCap()).isZero();
  }

  @Test
  void gemma3TurnsAtTwoSpeeds() throws JsonProcessingException {
    String keys = "sliding_window: 512, sliding_window_pattern: 2, rope_theta: 1000000.0";
    String linear = ", rope_scaling: {rope_type: 'linear', factor: 8.0}";
    List<LayerDesign> layers = read("Gemma3ForCausalLM", keys + linear).blocks().layers();
    RopeConfig local = new RopeConfig(10_000, new RopeConfig.None());
    RopeConfig global = new RopeConfig(1_000_000, new RopeConfig.Linear(8));
    assertThat(layers)
        .containsExactly(
            new LayerDesign(512, local, false),
            new LayerDesign(0, global, false),
            new LayerDesign(512, local, false),
            new LayerDesign(0, global, false));
    String newer =
        "sliding_window: 512, layer_types: ['sliding_attention', 'full_attention',"
            + " 'sliding_attention', 'full_attention'], rope_parameters: {full_attention:"
            + " {rope_type: 'linear', factor: 8.0, rope_theta: 1000000.0}, sliding_attention:"
            + " {rope_type: 'default', rope_theta: 10000.0}}";
    assertThat(read("Gemma3ForCausalLM", newer).blocks().layers()).isEqualTo(layers);
    assertThat(read("Gemma3ForCausalLM", keys).blocks().attentionCap()).isZero();
  }

  @Test
  void ofGemma3WithVisionTheTextPartIsRead() throws IOException {
    String text =
        "text_config: {hidden_size: 64, intermediate_size: 48, num_hidden_layers: 6,"
            + " sliding_window: 5}, eos_token_id: [1, 106], vocab_size: 1";
    ModelConfig config = read("Gemma3ForConditionalGeneration", text);
    assertThat(config.hiddenSize()).isEqualTo(64);
    assertThat(config.numHeads()).isEqualTo(8);
    assertThat(config.vocabSize()).isEqualTo(262_208);
    assertThat(config.eosTokenIds()).containsExactly(1, 106);
    assertThat(windows(config)).containsExactly(5, 5, 5, 5, 5, 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"language_model.model.", "model.language_model."})
  void tensorsOfTheTextPartAreFound(String prefix, @TempDir Path folder) throws IOException {
    Path golden = GoldenModel.folder("/families").resolve("gemma3-hf");
    SafetensorsWriter writer = new SafetensorsWriter();
    try (HuggingFaceFolder source = HuggingFaceFolder.open(golden)) {
      for (Tensor tensor : source.all()) {
        float[] values = new float[(int) tensor.elements()];
        for (int row = 0; row < tensor.rows(); row++) {
          tensor.readRow(row, values, row * tensor.columns());
        }
        String name = prefix + tensor.name().substring("model.".length());
        writer.add(name, DType.F32, tensor.shape(), RowSource.of(values));
      }
      ObjectNode whole = JSON.createObjectNode();
      whole.putArray("architectures").add("Gemma3ForConditionalGeneration");
      whole.set("text_config", source.config());
      Files.writeString(folder.resolve("config.json"), whole.toString());
    }
    writer.write(folder.resolve("model.safetensors"));
    try (OpenModel model = ModelFiles.open(folder);
        OpenModel expected = ModelFiles.open(golden)) {
      String name = "model.layers.1.self_attn.q_proj.weight";
      float[] found = new float[32];
      float[] row = new float[32];
      model.weights().find(name).orElseThrow().readRow(3, found, 0);
      expected.weights().find(name).orElseThrow().readRow(3, row, 0);
      assertThat(found).isEqualTo(row);
    }
  }

  @Test
  void phi3RotatesAPartAtASpeedThatDependsOnTheRow() throws JsonProcessingException {
    String keys =
        "partial_rotary_factor: 0.5, max_position_embeddings: 64, sliding_window: 40,"
            + " original_max_position_embeddings: 16, rope_scaling: {type: 'longrope',"
            + " short_factor: [1, 1.5], long_factor: [2, 3]}";
    ModelConfig config = read("Phi3ForCausalLM", keys);
    assertThat(windows(config)).containsOnly(40);
    assertThat(config.rope().dims(config.headDim())).isEqualTo(4);
    assertThat(config.rope().magnitude()).isCloseTo(Math.sqrt(1.5), offset(1e-12));
    assertThat(config.rope().isLong(16)).isFalse();
    assertThat(config.rope().isLong(17)).isTrue();
    assertThat(config.rope().inverseFrequencies(8, false)).containsExactly(1, 0.01 / 1.5);
    assertThat(config.rope().inverseFrequencies(8, true)).containsExactly(0.5, 0.01 / 3);
  }

  @Test
  void graniteHasFourFactors() throws JsonProcessingException {
    String keys =
        "embedding_multiplier: 12.0, residual_multiplier: 0.25, attention_multiplier: 0.5,"
            + " logits_scaling: 8.0";
    assertThat(read("GraniteForCausalLM", keys).blocks().scales())
        .isEqualTo(new BlockDesign.Scales(12, 0.25f, 0.5f, 0.125f));
    assertThat(read("LlamaForCausalLM", keys).blocks().scales())
        .isEqualTo(new BlockDesign.Scales(1, 1, BlockDesign.attentionScale(8), 1));
  }

  @Test
  void mixturesSayWhichLayersAreSparse() throws JsonProcessingException {
    String keys =
        "num_experts: 6, num_experts_per_tok: 2, moe_intermediate_size: 24, head_dim: 8,"
            + " norm_topk_prob: true, decoder_sparse_step: 2, mlp_only_layers: [1]";
    BlockDesign blocks = read("Qwen3MoeForCausalLM", keys).blocks();
    assertThat(blocks.experts()).isEqualTo(new BlockDesign.Experts(6, 2, 24, true));
    assertThat(blocks.layers())
        .extracting(LayerDesign::sparse)
        .containsExactly(false, false, false, true);
    assertThat(read("MixtralForCausalLM", "").blocks().experts())
        .isEqualTo(new BlockDesign.Experts(8, 2, 48, true));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Gemma3ForCausalLM | use_bidirectional_attention: true | use_bidirectional_attention",
        "Gemma2ForCausalLM | hidden_activation: 'gelu' | hidden_activation is \"gelu\", expected",
        "Qwen2ForCausalLM | rope_scaling: {type: 'yarn', factor: 4} | type yarn is not supported",
        "LlamaForCausalLM | partial_rotary_factor: 0.5 | partial_rotary_factor is not 1",
        "Phi3ForCausalLM | rope_scaling: {type: 'longrope', short_factor: [1], long_factor: [1]} |"
            + " short_factor is [1], expected a list of 4 numbers",
        "Phi3ForCausalLM | rope_scaling: {type: 'longrope', long_mscale: 2} | long_mscale",
        "Phi3ForCausalLM | partial_rotary_factor: 0.4 | is 3 dimensions, expected an even number",
        "LlavaForConditionalGeneration | text_config: {} | take a GGUF file of its text part",
        "MixtralForCausalLM | num_local_experts: 2, num_experts_per_tok: 3 | expected 1 to 2",
      })
  void whatIsNotSupportedIsNamed(String className, String keys, String problem) {
    assertThatThrownBy(() -> read(className, keys))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(problem);
  }
}
