package dev.nightjar.job.bench;

import dev.nightjar.engine.format.GgufWriter;
import dev.nightjar.engine.format.RowSource;
import dev.nightjar.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * GGUF files of real shapes with random weights, for measuring speed: all matrices have one element
 * type, weights are scaled so that activations stay near one, the tokenizer knows single bytes, and
 * no token ends a text. Every engine that reads Llama files reads them; shapes of other families
 * are written as a Llama with the same matrices and biases.
 *
 * @param dtype of matrices; norms and biases are F32
 */
record SyntheticModel(ModelShape shape, DType dtype) {
  /** Goes up when files must be written anew. */
  private static final int VERSION = 1;

  private static final int BYTES = 256;
  private static final int NORMAL = 1;
  private static final int UNUSED = 5;

  /** The file's name, without extension. */
  String name() {
    return shape.name() + "-" + dtype.name().toLowerCase(Locale.ROOT);
  }

  /** The file below {@code cache}, which is written first if it is missing. */
  Path file(Path cache) throws IOException {
    Path file = cache.resolve(name() + "-v" + VERSION + ".gguf");
    if (Files.isRegularFile(file)) {
      return file;
    }
    Files.createDirectories(cache);
    Path fresh = Files.createTempFile(cache, file.getFileName().toString(), ".part");
    try {
      write(fresh);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(fresh);
    }
    return file;
  }

  private void write(Path file) throws IOException {
    GgufWriter out = new GgufWriter();
    metadata(out);
    tokenizer(out);
    int c = shape.hiddenSize();
    matrix(out, "token_embd", shape.vocabSize(), c);
    for (int layer = 0; layer < shape.numLayers(); layer++) {
      String block = "blk." + layer + ".";
      ones(out, block + "attn_norm", c);
      projection(out, block + "attn_q", shape.queryDim());
      projection(out, block + "attn_k", shape.kvDim());
      projection(out, block + "attn_v", shape.kvDim());
      matrix(out, block + "attn_output", c, shape.queryDim());
      ones(out, block + "ffn_norm", c);
      matrix(out, block + "ffn_gate", shape.intermediateSize(), c);
      matrix(out, block + "ffn_up", shape.intermediateSize(), c);
      matrix(out, block + "ffn_down", c, shape.intermediateSize());
    }
    ones(out, "output_norm", c);
    out.write(file);
  }

  private void metadata(GgufWriter out) {
    out.put("general.architecture", "llama")
        .put("general.name", name() + " with random weights")
        .put("llama.vocab_size", shape.vocabSize())
        .put("llama.context_length", shape.contextLength())
        .put("llama.embedding_length", shape.hiddenSize())
        .put("llama.block_count", shape.numLayers())
        .put("llama.feed_forward_length", shape.intermediateSize())
        .put("llama.attention.head_count", shape.numHeads())
        .put("llama.attention.head_count_kv", shape.numKvHeads())
        .put("llama.attention.key_length", shape.headDim())
        .put("llama.attention.value_length", shape.headDim())
        .put("llama.rope.dimension_count", shape.headDim())
        .put("llama.rope.freq_base", shape.ropeTheta())
        .put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  }

  private void tokenizer(GgufWriter out) {
    int[] types = new int[shape.vocabSize()];
    Arrays.fill(types, 0, BYTES, NORMAL);
    Arrays.fill(types, BYTES, types.length, UNUSED);
    out.put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", "gpt-2")
        .put("tokenizer.ggml.tokens", tokens(shape.vocabSize()))
        .put("tokenizer.ggml.token_type", types)
        .put("tokenizer.ggml.merges", new String[0])
        .put("tokenizer.ggml.add_bos_token", false);
  }

  /** The 256 bytes, then tokens that no text contains. */
  static String[] tokens(int vocabSize) {
    String[] tokens = new String[vocabSize];
    int extra = BYTES;
    for (int b = 0; b < BYTES; b++) {
      boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      tokens[b] = String.valueOf((char) (printable ? b : extra++));
    }
    for (int id = BYTES; id < tokens.length; id++) {
      tokens[id] = unused(id);
    }
    return tokens;
  }

  static String unused(int id) {
    return "<unused-" + id + ">";
  }

  private void projection(GgufWriter out, String name, int outputs) {
    matrix(out, name, outputs, shape.hiddenSize());
    if (shape.qkvBias()) {
      float[] bias = new float[outputs];
      uniform(new SplittableRandom(name.hashCode()), 0.1f, bias);
      out.add(name + ".bias", DType.F32, new long[] {outputs}, bias);
    }
  }

  /** Uniform weights of variance {@code 1 / inputs}. */
  private void matrix(GgufWriter out, String name, int outputs, int inputs) {
    float bound = (float) Math.sqrt(3.0 / inputs);
    RowSource rows =
        (index, row) ->
            uniform(
                new SplittableRandom(name.hashCode() * 31L * BYTES * BYTES + index), bound, row);
    out.add(name + ".weight", dtype, new long[] {outputs, inputs}, rows);
  }

  /** Two weights a draw: a file of a billion parameters should not take minutes. */
  static void uniform(SplittableRandom random, float bound, float[] out) {
    float step = bound / Integer.MAX_VALUE;
    for (int i = 0; i < out.length; i += 2) {
      long bits = random.nextLong();
      out[i] = (int) bits * step;
      if (i + 1 < out.length) {
        out[i + 1] = (int) (bits >> 32) * step;
      }
    }
  }

  private static void ones(GgufWriter out, String name, int size) {
    float[] values = new float[size];
    Arrays.fill(values, 1);
    out.add(name + ".weight", DType.F32, new long[] {size}, values);
  }
}
