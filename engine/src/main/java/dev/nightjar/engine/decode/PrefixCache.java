package dev.nightjar.engine.decode;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.KvPool;
import dev.nightjar.engine.model.KvPrefix;
import dev.nightjar.engine.model.SequenceState;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Keys and values of prompt beginnings that some row of the engine computed, for later rows whose
 * prompts begin alike: a tree of blocks of {@link #BLOCK} tokens, found by the tokens themselves.
 * Bounded in bytes; the beginnings that were not used for the longest time leave first. Rows that
 * share a block hold its pages themselves, so that it may leave at any time.
 *
 * <p>For policies whose prompts {@linkplain dev.nightjar.engine.depth.DepthPolicy#sharesPrefixes()
 * can be shared}; a row's answer is then bit for bit what it is without a cache. Safe for
 * concurrent use.
 */
public final class PrefixCache {
  /** Tokens that are shared together. */
  static final int BLOCK = Kernels.PAGE;

  /** What a node takes besides its pages, roughly. */
  private static final long NODE_BYTES = 512;

  private final KvPool pool;
  private final long maxBytes;
  private final Node root = new Node(null, null, null, 0);
  private long bytes;

  /** A beginning: its last block, behind those of its ancestors. */
  static final class Node {
    private final Node parent;
    private final Block block;
    private final KvPrefix keysValues;
    private final long byteSize;
    private final Map<Block, Node> children = new HashMap<>();
    private boolean gone;

    /** Neighbours by use: what was used later, and earlier; a node is later than its children. */
    private Node later;

    private Node earlier;

    private Node(Node parent, Block block, KvPrefix keysValues, long byteSize) {
      this.parent = parent;
      this.block = block;
      this.keysValues = keysValues;
      this.byteSize = byteSize;
    }

    /** Tokens of the beginning. */
    int tokens() {
      return keysValues == null ? 0 : keysValues.tokens();
    }
  }

  /** The tokens of a block. */
  private record Block(int[] tokens) {
    static Block of(int[] prompt, int from) {
      return new Block(Arrays.copyOfRange(prompt, from, from + BLOCK));
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Block block && Arrays.equals(tokens, block.tokens);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(tokens);
    }
  }

  /**
   * An empty cache.
   *
   * @param maxBytes most bytes of pages that it keeps
   */
  PrefixCache(KvPool pool, long maxBytes) {
    this.pool = pool;
    this.maxBytes = maxBytes;
    root.later = root;
    root.earlier = root;
  }

  /** Most bytes that it keeps. */
  public long maxBytes() {
    return maxBytes;
  }

  /** Bytes that it keeps now. */
  public synchronized long bytesInUse() {
    return bytes;
  }

  /** The beginning without a token. */
  Node root() {
    return root;
  }

  /**
   * Lets a row go on with the block behind a beginning, if it is there.
   *
   * @param from what the row has computed so far
   * @return the longer beginning, or null
   */
  synchronized Node adopt(Node from, int[] prompt, SequenceState state) {
    Node found = from.gone ? null : from.children.get(Block.of(prompt, from.tokens()));
    if (found != null) {
      state.adopt(found.keysValues);
      use(found);
    }
    return found;
  }

  /**
   * Keeps the block that a row computed behind a beginning.
   *
   * @return the longer beginning, or null if there is no room for it
   */
  synchronized Node add(Node from, int[] prompt, SequenceState state) {
    if (from.gone) {
      return null;
    }
    Block block = Block.of(prompt, from.tokens());
    Node found = from.children.get(block);
    if (found == null) {
      KvPrefix keysValues = state.prefix(from.keysValues);
      found = new Node(from, block, keysValues, NODE_BYTES + keysValues.byteSize(pool));
      use(from);
      if (!makeRoom(found.byteSize, from)) {
        keysValues.release(pool);
        return null;
      }
      bytes += found.byteSize;
      from.children.put(block, found);
    }
    use(found);
    return found;
  }

  /** Lets the oldest beginnings go until there is room, but not this one. */
  private boolean makeRoom(long needed, Node kept) {
    while (bytes + needed > maxBytes) {
      // A node is later than its children: the earliest of all has none.
      Node oldest = root.later;
      if (oldest == root || oldest == kept) {
        return false;
      }
      unlink(oldest);
      oldest.gone = true;
      oldest.parent.children.remove(oldest.block);
      oldest.keysValues.release(pool);
      bytes -= oldest.byteSize;
    }
    return true;
  }

  /** Makes a node, and then its ancestors, the latest ones. */
  private void use(Node node) {
    for (Node each = node; each != root; each = each.parent) {
      if (each.later != null) {
        unlink(each);
      }
      each.earlier = root.earlier;
      each.later = root;
      root.earlier.later = each;
      root.earlier = each;
    }
  }

  private static void unlink(Node node) {
    node.earlier.later = node.later;
    node.later.earlier = node.earlier;
  }
}
