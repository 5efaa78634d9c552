package dev.nightjar.engine.model;

import dev.nightjar.engine.format.GgufWriter;
import dev.nightjar.engine.format.RowSource;
import dev.nightjar.engine.format.SafetensorsWriter;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A tiny Llama on disk whose configuration and tensors a test may bend before it is written. */
final class Checkpoint {
  final int hidden;
  final int layers;
  final int vocab = 8;
  final int heads = 2;
  final int kvHeads = 1;
  final int ffn;

  /** Values of {@code config.json} as JSON text. */
  final Map<String, String> config = new LinkedHashMap<>();

  /** Shapes by Hugging Face name. */
  final Map<String, long[]> shapes = new LinkedHashMap<>();

  private final long seed;

  Checkpoint(int hidden, int layers, long seed) {
    this.hidden = hidden;
    this.layers = layers;
    this.ffn = hidden;
    this.seed = seed;
    config.put("architectures", "[\"LlamaForCausalLM\"]");
    config.put("model_type", "\"llama\"");
    config.put("hidden_size", "" + hidden);
    config.put("num_hidden_layers", "" + layers);
    config.put("num_attention_heads", "" + heads);
    config.put("num_key_value_heads", "" + kvHeads);
    config.put("intermediate_size", "" + ffn);
    config.put("vocab_size", "" + vocab);
    config.put("max_position_embeddings", "64");
    config.put("rms_norm_eps", "1e-05");
    config.put("rope_theta", "10000.0");
    config.put("hidden_act", "\"silu\"");
    config.put("bos_token_id", "1");
    config.put("eos_token_id", "2");
    shape("model.embed_tokens.weight", vocab, hidden);
    int kv = hidden / heads * kvHeads;
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      shape(prefix + "input_layernorm.weight", hidden);
      shape(prefix + "self_attn.q_proj.weight", hidden, hidden);
      shape(prefix + "self_attn.k_proj.weight", kv, hidden);
      shape(prefix + "self_attn.v_proj.weight", kv, hidden);
      shape(prefix + "self_attn.o_proj.weight", hidden, hidden);
      shape(prefix + "post_attention_layernorm.weight", hidden);
      shape(prefix + "mlp.gate_proj.weight", ffn, hidden);
      shape(prefix + "mlp.up_proj.weight", ffn, hidden);
      shape(prefix + "mlp.down_proj.weight", hidden, ffn);
    }
    shape("model.norm.weight", hidden);
    shape("lm_head.weight", vocab, hidden);
  }

  void shape(String name, long... shape) {
    shapes.put(name, shape);
  }

  /** Writes {@code config.json} and one weights file. */
  Path writeFolder(Path folder) throws IOException {
    Files.createDirectories(folder);
    writeConfig(folder);
    writeShard(folder.resolve("model.safetensors"), new ArrayList<>(shapes.keySet()));
    return folder;
  }

  /** Writes {@code config.json}, two shards and their index. */
  Path writeShards(Path folder) throws IOException {
    Files.createDirectories(folder);
    writeConfig(folder);
    List<String> names = new ArrayList<>(shapes.keySet());
    StringBuilder index = new StringBuilder();
    for (int shard = 0; shard < 2; shard++) {
      List<String> part =
          shard == 0
              ? names.subList(0, names.size() / 2)
              : names.subList(names.size() / 2, names.size());
      String file = "model-" + shard + ".safetensors";
      writeShard(folder.resolve(file), part);
      for (String name : part) {
        index.append(index.isEmpty() ? "" : ",\n");
        index.append("\"").append(name).append("\":\"").append(file).append("\"");
      }
    }
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + index + "}}");
    return folder;
  }

  void writeConfig(Path folder) throws IOException {
    StringBuilder json = new StringBuilder("{");
    for (Map.Entry<String, String> entry : config.entrySet()) {
      json.append(json.length() == 1 ? "" : ",\n");
      json.append("\"").append(entry.getKey()).append("\": ").append(entry.getValue());
    }
    Files.writeString(folder.resolve("config.json"), json.append("}"));
  }

  private void writeShard(Path file, List<String> names) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    for (String name : names) {
      writer.add(name, DType.F32, shapes.get(name), RowSource.of(values(name)));
    }
    writer.write(file);
  }

  /** The metadata of the same model as a GGUF file. */
  GgufWriter ggufMetadata() {
    return new GgufWriter()
        .put("general.architecture", "llama")
        .put("general.name", "tiny")
        .put("llama.embedding_length", hidden)
        .put("llama.block_count", layers)
        .put("llama.attention.head_count", heads)
        .put("llama.attention.head_count_kv", kvHeads)
        .put("llama.feed_forward_length", ffn)
        .put("llama.context_length", 64)
        .put("llama.attention.layer_norm_rms_epsilon", 1e-5f)
        .put("tokenizer.ggml.bos_token_id", 1)
        .put("tokenizer.ggml.eos_token_id", 2);
  }

  /** Adds the tensors: vectors as F32, matrices as {@code dtype}. */
  GgufWriter ggufTensors(GgufWriter writer, DType dtype) {
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      long[] shape = entry.getValue();
      DType own = shape.length == 1 ? DType.F32 : dtype;
      writer.add(
          GgufNames.of(entry.getKey(), BlockDesign.Norms.BEFORE),
          own,
          shape,
          values(entry.getKey()));
    }
    return writer;
  }

  Path writeGguf(Path path, DType dtype) throws IOException {
    String[] tokens = {"<unk>", "<s>", "</s>", "a", "b", "c", "d", "e"};
    GgufWriter writer = ggufMetadata().put("tokenizer.ggml.tokens", tokens);
    ggufTensors(writer, dtype).write(path);
    return path;
  }

  /** The tensor's values, the same for the same name and seed. */
  float[] values(String name) {
    int count = 1;
    for (long dimension : shapes.get(name)) {
      count *= (int) dimension;
    }
    Random random = new Random(seed * 31 + name.hashCode());
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
