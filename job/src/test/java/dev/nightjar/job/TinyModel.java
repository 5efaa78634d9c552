package dev.nightjar.job;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * Writes a complete Hugging Face folder of a four-layer model with seeded weights and a byte
 * tokenizer.
 */
final class TinyModel {
  static final int LAYERS = 4;
  static final int CONTEXT = 256;
  static final int HIDDEN = 32;
  private static final int KV = 16;
  private static final int FFN = 48;
  private static final int BYTES = 256;
  private static final String[] SPECIAL = {"<|user|>", "<|answer|>", "<|end|>"};
  private static final int VOCABULARY = BYTES + SPECIAL.length;
  private static final long SEED = 7;
  private static final JsonMapper JSON = new JsonMapper();

  private TinyModel() {}

  /** Writes the model and returns its folder. */
  static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), config().toString());
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer().toString());
    Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig().toString());
    Files.write(folder.resolve("model.safetensors"), weights());
    return folder;
  }

  private static ObjectNode config() {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    return config
        .put("model_type", "llama")
        .put("vocab_size", VOCABULARY)
        .put("hidden_size", HIDDEN)
        .put("intermediate_size", FFN)
        .put("num_hidden_layers", LAYERS)
        .put("num_attention_heads", 4)
        .put("num_key_value_heads", 2)
        .put("head_dim", 8)
        .put("max_position_embeddings", CONTEXT)
        .put("rms_norm_eps", 1e-5)
        .put("rope_theta", 10_000)
        .put("hidden_act", "silu")
        .put("tie_word_embeddings", true)
        .put("torch_dtype", "float32")
        .put("eos_token_id", VOCABULARY - 1);
  }

  private static ObjectNode tokenizerConfig() {
    return JSON.createObjectNode()
        .put("tokenizer_class", "PreTrainedTokenizerFast")
        .put("eos_token", SPECIAL[2])
        .put(
            "chat_template",
            "{% for m in messages %}{{ '<|user|>' + m['content'] }}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<|answer|>' }}{% endif %}");
  }

  private static ObjectNode tokenizer() {
    ObjectNode root = JSON.createObjectNode();
    root.put("version", "1.0");
    ArrayNode added = root.putArray("added_tokens");
    for (int i = 0; i < SPECIAL.length; i++) {
      added
          .addObject()
          .put("id", BYTES + i)
          .put("content", SPECIAL[i])
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }
    root.putNull("normalizer");
    root.putObject("pre_tokenizer")
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
    root.putNull("post_processor");
    root.putObject("decoder").put("type", "ByteLevel");
    ObjectNode model = root.putObject("model");
    model.put("type", "BPE").putNull("unk_token");
    ObjectNode vocabulary = model.putObject("vocab");
    int next = BYTES;
    for (int b = 0; b < BYTES; b++) {
      boolean printable = b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad;
      vocabulary.put(String.valueOf((char) (printable ? b : next++)), b);
    }
    model.putArray("merges");
    return root;
  }

  /** A safetensors file: header length, header, tensors. */
  private static byte[] weights() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new int[] {VOCABULARY, HIDDEN});
    for (int layer = 0; layer < LAYERS; layer++) {
      String prefix = "model.layers." + layer + ".";
      shapes.put(prefix + "input_layernorm.weight", new int[] {HIDDEN});
      shapes.put(prefix + "self_attn.q_proj.weight", new int[] {HIDDEN, HIDDEN});
      shapes.put(prefix + "self_attn.k_proj.weight", new int[] {KV, HIDDEN});
      shapes.put(prefix + "self_attn.v_proj.weight", new int[] {KV, HIDDEN});
      shapes.put(prefix + "self_attn.o_proj.weight", new int[] {HIDDEN, HIDDEN});
      shapes.put(prefix + "post_attention_layernorm.weight", new int[] {HIDDEN});
      shapes.put(prefix + "mlp.gate_proj.weight", new int[] {FFN, HIDDEN});
      shapes.put(prefix + "mlp.up_proj.weight", new int[] {FFN, HIDDEN});
      shapes.put(prefix + "mlp.down_proj.weight", new int[] {HIDDEN, FFN});
    }
    shapes.put("model.norm.weight", new int[] {HIDDEN});
    ObjectNode header = JSON.createObjectNode();
    int offset = 0;
    for (Map.Entry<String, int[]> tensor : shapes.entrySet()) {
      int end = offset + Float.BYTES * elements(tensor.getValue());
      ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", "F32");
      Arrays.stream(tensor.getValue()).forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] head = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer out =
        ByteBuffer.allocate(Long.BYTES + head.length + offset).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(head.length).put(head);
    Random random = new Random(SEED);
    for (int[] shape : shapes.values()) {
      for (int i = 0; i < elements(shape); i++) {
        out.putFloat(shape.length == 1 ? 1f : (float) (0.2 * random.nextGaussian()));
      }
    }
    return out.array();
  }

  private static int elements(int[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }
}
