package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Evidence;
import dev.nightjar.engine.depth.GateScratch;
import dev.nightjar.engine.kernel.AttentionRuns;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.Products;
import dev.nightjar.engine.kernel.Scratch;

/**
 * Working memory of the forward pass for one decoder, grown to the largest step and then reused: no
 * allocation per token in steady state. Confined to one thread.
 */
public final class Activations {
  /** Status of a slot on its way up. */
  static final byte LIVE = 0;

  /** It left; the layers above compute keys and values from its frozen residual. */
  static final byte PROJECTED = 1;

  /** It left and nothing of it is needed above. */
  static final byte EXITED = 2;

  /** It left and will go on with a later token. */
  static final byte DEFERRED = 3;

  /** A prompt token that was pruned. */
  static final byte PRUNED = 4;

  /** A prompt token after its prompt was filtered; those that stay start again. */
  static final byte FILTERED = 5;

  private final ModelConfig config;
  final Scratch matmul;
  final GateScratch gate;
  final AttentionRuns runs = new AttentionRuns();
  final Products products = new Products();
  final Evidence evidence = new Evidence();

  /** {@code [M, C]} residual stream of every slot. */
  float[] residual = new float[0];

  /** {@code [M, C]} residuals of the slots that run the current layer, gathered. */
  float[] panel;

  /** {@code [M, C]} residuals that entered the current layer, where an exit asks for them. */
  float[] previous = new float[0];

  float[] normed;
  float[] query;
  float[] key;
  float[] value;
  float[] attended;
  float[] projected;
  float[] gateOut;
  float[] upOut;

  /** {@code [producing slots, V]}. */
  float[] logits = new float[0];

  /** {@code [entries]} of one query head, where attention is measured. */
  float[] scores = new float[0];

  /** {@code [D, PAGE]} keys of one head and page, where attention is measured. */
  final float[] keys;

  float[] probeLogits = new float[0];

  /** {@code [M]} attention that prompt tokens received, where a pruning asks for it. */
  float[] mass = new float[0];

  /** The same by entry of a layer's keys and values, then by live token. */
  float[] received = new float[0];

  /** {@code [M]} of the constants above. */
  byte[] status;

  /** {@code [M]} what the current layer does for each slot. */
  byte[] cells;

  /** {@code [M]} whether the slot takes part in the current layer at all. */
  boolean[] active;

  byte[] gated;
  boolean[] keep;
  int[] index;
  int[] gatePositions;
  int[] gateIndex;

  /** {@code [M]} of a row, the entry behind the last one that it attends to. */
  int[] visible;

  /** {@code [M]} of a row, the first entry that it attends to. */
  int[] from;

  /** Null where the model has no mixture of experts. */
  ExpertScratch experts;

  int[] layersRun;
  int[] memory;

  /** {@code [M]} row of a producing slot in {@link #logits}. */
  int[] logitRow;

  final ShortLists shortLists = new ShortLists();
  private float[] listed = new float[0];

  LayerTrace trace;

  /** Memory for steps of this model; grows on demand. */
  public Activations(ModelConfig config, Kernels kernels) {
    this.config = config;
    this.matmul = kernels.newScratch();
    this.gate = new GateScratch(kernels);
    this.keys = new float[config.headDim() * Kernels.PAGE];
  }

  /**
   * Bytes of this memory after the largest step.
   *
   * @param slots of a step at most
   * @param producing of them those whose logits are wanted
   * @param positions of a sequence at most
   */
  public static long byteSize(ModelConfig config, int slots, int producing, int positions) {
    long perSlot = 4L * config.hiddenSize() + 2L * config.queryDim() + 2L * config.kvDim();
    perSlot += 2L * config.widestFeedForward();
    BlockDesign.Experts mixture = config.blocks().experts();
    perSlot += mixture == null ? 0 : 2L * config.hiddenSize() + mixture.count();
    long widest = Math.max(config.hiddenSize(), config.widestFeedForward());
    long regrouped = Math.max(widest, config.queryDim());
    long padded = (long) positions + Kernels.PAGE;
    long scores = 2 * (padded + Math.max(1 << 16, config.groupSize() * padded));
    long logits = (long) producing * config.vocabSize();
    return Float.BYTES * (Math.max(slots, 16) * (perSlot + regrouped) + scores + logits);
  }

  void ensure(int slots, int producing, int positions) {
    int c = config.hiddenSize();
    if (residual.length < slots * c) {
      int m = Math.max(slots, 16);
      residual = new float[m * c];
      panel = new float[m * c];
      normed = new float[m * c];
      projected = new float[m * c];
      query = new float[m * config.queryDim()];
      attended = new float[m * config.queryDim()];
      key = new float[m * config.kvDim()];
      value = new float[m * config.kvDim()];
      gateOut = new float[m * config.widestFeedForward()];
      upOut = new float[m * config.widestFeedForward()];
      BlockDesign.Experts mixture = config.blocks().experts();
      experts = mixture == null ? null : new ExpertScratch(m, c, mixture.count());
      status = new byte[m];
      cells = new byte[m];
      gated = new byte[m];
      active = new boolean[m];
      keep = new boolean[m];
      index = new int[m];
      gatePositions = new int[m];
      gateIndex = new int[m];
      visible = new int[m];
      from = new int[m];
      layersRun = new int[m];
      memory = new int[m];
      logitRow = new int[m];
    }
    if (logits.length < producing * config.vocabSize()) {
      logits = new float[producing * config.vocabSize()];
    }
    int padded = (positions / Kernels.PAGE + 1) * Kernels.PAGE;
    if (scores.length < padded) {
      scores = new float[2 * padded];
    }
  }

  void ensureProbes(int slots) {
    if (probeLogits.length < slots * config.vocabSize()) {
      probeLogits = new float[slots * config.vocabSize()];
    }
  }

  /** Room for the logits of one shortened vocabulary. */
  float[] listed(int size) {
    if (listed.length < size) {
      listed = new float[size];
    }
    return listed;
  }

  void ensurePrevious() {
    if (previous.length < residual.length) {
      previous = new float[residual.length];
    }
  }

  void ensureMass() {
    if (mass.length < status.length) {
      mass = new float[status.length];
    }
  }

  void ensureReceived(int entries) {
    if (received.length < entries) {
      received = new float[2 * entries];
    }
  }

  /** {@code [producing slots, V]} logits of the last step, in slot order. */
  public float[] logits() {
    return logits;
  }

  /** Shows every step's residuals to {@code trace} from now on; null for nobody. */
  public void trace(LayerTrace trace) {
    this.trace = trace;
  }
}
