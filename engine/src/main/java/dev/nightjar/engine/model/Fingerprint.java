package dev.nightjar.engine.model;

import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.GgufMetadata;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.ModelFile;
import dev.nightjar.engine.format.UnsupportedTensor;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Identifies a model by content, in time that does not grow with its weights: SHA-256 over the
 * architecture, the names, types and shapes of the tensors, samples of their bytes, the tokenizer
 * and the chat template. Each part is preceded by its length.
 */
final class Fingerprint {
  private static final String VERSION = "nightjar-model-1";
  private static final int NUM_SAMPLES = 64;
  private static final int SAMPLE_BYTES = 4096;

  /**
   * Read from the middle of every tensor, so that a change that is confined to one tensor shows.
   */
  private static final int TENSOR_SAMPLE_BYTES = 256;

  private static final int CHUNK_BYTES = 1 << 16;

  private final MessageDigest digest;

  private Fingerprint() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** 64 lower-case hexadecimal digits. */
  static String of(ModelConfig config, ModelFile file) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.add(VERSION);
    fingerprint.addConfig(config);
    fingerprint.addTensors(file);
    switch (file) {
      case HuggingFaceFolder folder -> fingerprint.addTokenizer(folder);
      case GgufFile gguf -> fingerprint.addTokenizer(gguf.metadata());
    }
    return HexFormat.of().formatHex(fingerprint.digest.digest());
  }

  private void addConfig(ModelConfig c) {
    add(c.architecture());
    for (int number :
        new int[] {
          c.vocabSize(),
          c.hiddenSize(),
          c.numLayers(),
          c.numHeads(),
          c.numKvHeads(),
          c.headDim(),
          c.intermediateSize(),
          c.contextLength(),
          c.bosTokenId(),
        }) {
      add(Integer.toString(number));
    }
    add(c.eosTokenIds().toString());
    add(Float.toString(c.rmsNormEps()));
    add(c.rope().theta() + " " + c.rope().scaling());
    add(c.tiedEmbeddings() + " " + c.qkvBias() + " " + c.outputBias() + " " + c.mlpBias());
    RopeConfig wholeHeads = new RopeConfig(c.rope().theta(), c.rope().scaling());
    if (!c.blocks().equals(BlockDesign.llama(c.numLayers(), c.headDim(), wholeHeads))) {
      add(c.blocks().toString());
    }
  }

  private void addTensors(ModelFile file) {
    long total = 0;
    for (Tensor tensor : file.all()) {
      add(tensor.name() + " " + tensor.dtype() + " " + Arrays.toString(tensor.shape()));
      total += tensor.data().byteSize();
      long size = Math.min(TENSOR_SAMPLE_BYTES, tensor.data().byteSize());
      add(tensor.data().asSlice((tensor.data().byteSize() - size) / 2, size));
    }
    for (UnsupportedTensor tensor : file.unsupported()) {
      add(tensor.name() + " " + tensor.type() + " " + Arrays.toString(tensor.shape()));
    }
    add(Long.toString(total));
    addSamples(file, total);
  }

  /**
   * Reads evenly spaced samples of the tensors' bytes taken as one sequence; a sample ends where
   * its tensor ends.
   */
  private void addSamples(ModelFile file, long total) {
    long last = Math.max(0, total - SAMPLE_BYTES);
    long tensorStart = 0;
    int sample = 0;
    for (Tensor tensor : file.all()) {
      MemorySegment data = tensor.data();
      long tensorEnd = tensorStart + data.byteSize();
      while (sample < NUM_SAMPLES && samplePosition(last, sample) < tensorEnd) {
        long begin = samplePosition(last, sample) - tensorStart;
        add(data.asSlice(begin, Math.min(SAMPLE_BYTES, data.byteSize() - begin)));
        sample++;
      }
      tensorStart = tensorEnd;
    }
  }

  private static long samplePosition(long last, int sample) {
    int intervals = NUM_SAMPLES - 1;
    // last * sample / intervals, without overflow
    return last / intervals * sample + last % intervals * sample / intervals;
  }

  private void addTokenizer(HuggingFaceFolder folder) {
    for (String name : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      add(MemorySegment.ofArray(folder.bytes(name).orElse(new byte[0])));
    }
    add(folder.chatTemplate().orElse(""));
  }

  private void addTokenizer(GgufMetadata metadata) {
    for (String key : metadata.keys()) {
      if (key.startsWith("tokenizer.")) {
        add(key);
        add(metadata.raw(key));
      }
    }
  }

  private void add(String part) {
    add(MemorySegment.ofArray(part.getBytes(StandardCharsets.UTF_8)));
  }

  private void add(MemorySegment part) {
    long size = part.byteSize();
    digest.update(ByteBuffer.allocate(8).putLong(size).array());
    byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, size)];
    for (long position = 0; position < size; position += chunk.length) {
      int length = (int) Math.min(chunk.length, size - position);
      MemorySegment.copy(part, ValueLayout.JAVA_BYTE, position, chunk, 0, length);
      digest.update(chunk, 0, length);
    }
  }
}
