package dev.nightjar.udfs;

import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.RowTrace;
import dev.nightjar.engine.tokenizer.Tokenizer;
import dev.nightjar.udfs.RowDepth.TokenDepth;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/** Counts the rows of one task into a {@link RunProfile}. Confined to the task's thread. */
final class TaskProfile {
  /** Tokens that are kept of a prompt's beginning, and of its end. */
  private static final int PROMPT_SIDE = 150;

  /** Tokens that are kept of an answer. */
  private static final int COMPLETION = 300;

  private static final int TOKEN_CHARS = 40;
  private static final int BUCKETS = Integer.SIZE + 1;

  private final Tokenizer tokenizer;
  private final int numLayers;
  private final Counts prompt;
  private final Counts completion;
  private final List<RowDepth> slowest = new ArrayList<>();
  private final List<RowDepth> shallowest = new ArrayList<>();
  private long rows;

  TaskProfile(Tokenizer tokenizer, int numLayers) {
    this.tokenizer = tokenizer;
    this.numLayers = numLayers;
    this.prompt = new Counts(numLayers);
    this.completion = new Counts(numLayers);
  }

  /** Slots of one side by position. */
  private static final class Counts {
    private final long[] slots = new long[BUCKETS];
    private final long[][] executions;
    private final long[] depths;

    Counts(int numLayers) {
      executions = new long[BUCKETS][numLayers];
      depths = new long[numLayers + 1];
    }

    void add(int position, BitSet layers) {
      int bucket = PositionProfile.bucket(position);
      slots[bucket]++;
      depths[layers.cardinality()]++;
      for (int layer = layers.nextSetBit(0); layer >= 0; layer = layers.nextSetBit(layer + 1)) {
        executions[bucket][layer]++;
      }
    }

    PositionProfile build() {
      int used = BUCKETS;
      while (used > 0 && slots[used - 1] == 0) {
        used--;
      }
      List<List<Long>> rows = new ArrayList<>();
      for (int bucket = 0; bucket < used; bucket++) {
        rows.add(boxed(executions[bucket]));
      }
      return new PositionProfile(boxed(Arrays.copyOf(slots, used)), rows, boxed(depths));
    }

    private static List<Long> boxed(long[] values) {
      return Arrays.stream(values).boxed().toList();
    }
  }

  /**
   * Counts a row.
   *
   * @param trace null for a row that did not run to its end, which is left out
   */
  void add(String key, GenerationResult result, RowTrace trace) {
    if (trace == null || result.compute() == null) {
      return;
    }
    rows++;
    int first = trace.promptTokens().length - 1;
    for (int slot = trace.cachedSlots(); slot < trace.slots(); slot++) {
      if (slot < first) {
        prompt.add(slot, trace.layers(slot));
      } else {
        completion.add(slot - first, trace.layers(slot));
      }
    }
    RowDepth bare =
        new RowDepth(
            key,
            result.timing().cpuNanos() / 1e6,
            result.compute().meanLayersPerToken(),
            result.usage().promptTokens(),
            result.usage().completionTokens(),
            List.of(),
            List.of());
    keep(slowest, bare, RunProfile.BY_TIME, result, trace);
    keep(shallowest, bare, RunProfile.BY_DEPTH, result, trace);
  }

  private void keep(
      List<RowDepth> kept,
      RowDepth row,
      Comparator<RowDepth> order,
      GenerationResult result,
      RowTrace trace) {
    if (kept.size() == RunProfile.KEPT && order.compare(row, kept.getLast()) >= 0) {
      return;
    }
    if (kept.size() == RunProfile.KEPT) {
      kept.removeLast();
    }
    kept.add(withTokens(row, result, trace));
    kept.sort(order);
  }

  private RowDepth withTokens(RowDepth row, GenerationResult result, RowTrace trace) {
    int[] ids = trace.promptTokens();
    List<TokenDepth> asked = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      if (i < PROMPT_SIDE || i >= ids.length - PROMPT_SIDE) {
        asked.add(token(i, ids[i], trace, i));
      }
    }
    List<TokenDepth> answered = new ArrayList<>();
    for (int i = 0; i < Math.min(COMPLETION, result.tokenIds().size()); i++) {
      answered.add(token(i, result.tokenIds().get(i), trace, ids.length - 1 + i));
    }
    return new RowDepth(
        row.key(),
        row.cpuMillis(),
        row.meanLayers(),
        row.promptTokens(),
        row.completionTokens(),
        asked,
        answered);
  }

  private TokenDepth token(int index, int id, RowTrace trace, int slot) {
    boolean known = slot >= trace.cachedSlots() && slot < trace.slots();
    return new TokenDepth(
        index, text(id), known ? trace.layers(slot).cardinality() : RowDepth.UNKNOWN);
  }

  private String text(int id) {
    String text =
        tokenizer.isSpecial(id)
            ? tokenizer.tokenText(id)
            : new String(tokenizer.tokenBytes(id, false), StandardCharsets.UTF_8);
    return text.length() <= TOKEN_CHARS ? text : text.substring(0, TOKEN_CHARS);
  }

  /** What was counted so far. */
  RunProfile build() {
    return new RunProfile(numLayers, rows, prompt.build(), completion.build(), slowest, shallowest);
  }
}
