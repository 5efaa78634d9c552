package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.format.SafetensorsWriter;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A {@link SyntheticModel}'s shape as a Hugging Face folder, for engines that read no GGUF: random
 * BF16 matrices, a tokenizer of single bytes, and an end of text that the weights hardly choose.
 */
record SyntheticFolder(ModelShape shape) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** The folder below {@code cache}, which is written first if it is missing. */
  Path folder(Path cache) throws IOException {
    Path folder = cache.resolve(shape.name() + "-bf16-v1");
    Path weights = folder.resolve("model.safetensors");
    if (!Files.isRegularFile(weights)) {
      Files.createDirectories(folder);
      JSON.writeValue(folder.resolve("config.json").toFile(), config());
      JSON.writeValue(folder.resolve("tokenizer.json").toFile(), tokenizer());
      ObjectNode names = JSON.createObjectNode();
      names.put("bos_token", special(2)).put("eos_token", special(1));
      JSON.writeValue(folder.resolve("tokenizer_config.json").toFile(), names);
      weights().write(weights);
    }
    return folder;
  }

  private ObjectNode config() {
    ObjectNode config = JSON.createObjectNode();
    config.withArray("/architectures").add("LlamaForCausalLM");
    config.put("model_type", "llama").put("torch_dtype", "bfloat16").put("hidden_act", "silu");
    config.put("vocab_size", shape.vocabSize()).put("hidden_size", shape.hiddenSize());
    config.put("num_hidden_layers", shape.numLayers()).put("head_dim", shape.headDim());
    config.put("num_attention_heads", shape.numHeads());
    config.put("num_key_value_heads", shape.numKvHeads());
    config.put("intermediate_size", shape.intermediateSize());
    config.put("rope_theta", shape.ropeTheta()).put("rms_norm_eps", 1e-5);
    config.put("max_position_embeddings", shape.contextLength());
    config.put("tie_word_embeddings", true);
    config.put("bos_token_id", shape.vocabSize() - 2).put("eos_token_id", shape.vocabSize() - 1);
    return config;
  }

  private ObjectNode tokenizer() {
    ObjectNode root = JSON.createObjectNode().put("version", "1.0");
    for (int back = 2; back >= 1; back--) {
      ObjectNode token = root.withArray("/added_tokens").addObject();
      token.put("id", shape.vocabSize() - back).put("content", special(back));
      token.put("special", true);
    }
    root.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
    root.putObject("decoder").put("type", "ByteLevel");
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.putArray("merges");
    ObjectNode vocabulary = model.putObject("vocab");
    String[] tokens = SyntheticModel.tokens(shape.vocabSize());
    for (int id = 0; id < tokens.length; id++) {
      vocabulary.put(tokens[id], id);
    }
    return root;
  }

  private String special(int back) {
    return SyntheticModel.unused(shape.vocabSize() - back);
  }

  private SafetensorsWriter weights() {
    SafetensorsWriter out = new SafetensorsWriter();
    int c = shape.hiddenSize();
    matrix(out, "model.embed_tokens", shape.vocabSize(), c);
    for (int layer = 0; layer < shape.numLayers(); layer++) {
      String block = "model.layers." + layer + ".";
      ones(out, block + "input_layernorm", c);
      matrix(out, block + "self_attn.q_proj", shape.queryDim(), c);
      matrix(out, block + "self_attn.k_proj", shape.kvDim(), c);
      matrix(out, block + "self_attn.v_proj", shape.kvDim(), c);
      matrix(out, block + "self_attn.o_proj", c, shape.queryDim());
      ones(out, block + "post_attention_layernorm", c);
      matrix(out, block + "mlp.gate_proj", shape.intermediateSize(), c);
      matrix(out, block + "mlp.up_proj", shape.intermediateSize(), c);
      matrix(out, block + "mlp.down_proj", c, shape.intermediateSize());
    }
    ones(out, "model.norm", c);
    return out;
  }

  private static void matrix(SafetensorsWriter out, String name, int outputs, int inputs) {
    float bound = (float) Math.sqrt(3.0 / inputs);
    out.add(
        name + ".weight",
        DType.BF16,
        new long[] {outputs, inputs},
        (index, row) ->
            SyntheticModel.uniform(
                new SplittableRandom(name.hashCode() * 65_536L + index), bound, row));
  }

  private static void ones(SafetensorsWriter out, String name, int size) {
    float[] values = new float[size];
    Arrays.fill(values, 1);
    out.add(name + ".weight", new long[] {size}, values);
  }
}
