package dev.nightjar.engine.depth;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Optional;

/**
 * LoRA updates (Hu et al., arXiv:2106.09685) of the attention projections that were trained with a
 * policy; merged at load.
 */
public final class LowRankUpdates {

  /**
   * {@code W' = W + B A}.
   *
   * @param a {@code [rank, in]}
   * @param b {@code [out, rank]}
   */
  public record Update(float[] a, float[] b, int rank) {

    /**
     * Adds row {@code row} of {@code B A} to {@code weights[offset ..]}, over ranks in ascending
     * order with fma.
     */
    public void addRow(int row, float[] weights, int offset) {
      int in = a.length / rank;
      for (int r = 0; r < rank; r++) {
        float factor = b[row * rank + r];
        for (int k = 0; k < in; k++) {
          weights[offset + k] = Math.fma(factor, a[r * in + k], weights[offset + k]);
        }
      }
    }
  }

  private final Update[][] updates;

  /**
   * @param updates {@code [layers][3]}: query, key, value; null where there is none
   */
  LowRankUpdates(Update[][] updates) {
    this.updates = updates;
  }

  /** No updates. */
  public static LowRankUpdates none(int layers) {
    return new LowRankUpdates(new Update[layers][3]);
  }

  /** Whether there is no update at all. */
  public boolean isEmpty() {
    for (Update[] layer : updates) {
      for (Update update : layer) {
        if (update != null) {
          return false;
        }
      }
    }
    return true;
  }

  /** Adds all updates to a digest; nothing if there is none. */
  public void addTo(MessageDigest digest) {
    for (int layer = 0; layer < updates.length; layer++) {
      for (int projection = 0; projection < updates[layer].length; projection++) {
        Update update = updates[layer][projection];
        if (update != null) {
          digest.update(
              ByteBuffer.allocate(3 * Integer.BYTES)
                  .putInt(layer)
                  .putInt(projection)
                  .putInt(update.rank())
                  .flip());
          add(update.a(), digest);
          add(update.b(), digest);
        }
      }
    }
  }

  private static void add(float[] values, MessageDigest digest) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES));
    bytes.asFloatBuffer().put(values);
    digest.update(bytes);
  }

  /** The update of a projection ("q_proj", "k_proj" or "v_proj") of a layer, if there is one. */
  public Optional<Update> of(int layer, String projection) {
    return Optional.ofNullable(
        switch (projection) {
          case "q_proj" -> updates[layer][0];
          case "k_proj" -> updates[layer][1];
          case "v_proj" -> updates[layer][2];
          default -> null;
        });
  }
}
