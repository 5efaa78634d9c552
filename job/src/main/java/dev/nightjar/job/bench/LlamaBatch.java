package dev.nightjar.job.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** llama.cpp's {@code llama_batch}: token slots of any sequences. For one thread. */
final class LlamaBatch {
  /** The structure, as calls take it by value. */
  static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_INT,
          MemoryLayout.paddingLayout(4),
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS);

  private static final long TOKENS = 8;
  private static final long POSITIONS = 24;
  private static final long NUM_SEQUENCES = 32;
  private static final long SEQUENCES = 40;
  private static final long OUTPUTS = 48;

  private final MemorySegment batch;
  private final MemorySegment tokens;
  private final MemorySegment positions;
  private final MemorySegment sequences;
  private final MemorySegment outputs;
  private final int capacity;
  private int size;

  LlamaBatch(Arena arena, int capacity) {
    this.capacity = capacity;
    this.batch = arena.allocate(LAYOUT);
    this.tokens = arena.allocate(ValueLayout.JAVA_INT, capacity);
    this.positions = arena.allocate(ValueLayout.JAVA_INT, capacity);
    this.sequences = arena.allocate(ValueLayout.JAVA_INT, capacity);
    this.outputs = arena.allocate(ValueLayout.JAVA_BYTE, capacity);
    MemorySegment counts = arena.allocate(ValueLayout.JAVA_INT, capacity);
    MemorySegment lists = arena.allocate(ValueLayout.ADDRESS, capacity);
    for (int i = 0; i < capacity; i++) {
      counts.setAtIndex(ValueLayout.JAVA_INT, i, 1);
      lists.setAtIndex(ValueLayout.ADDRESS, i, sequences.asSlice(4L * i, 4));
    }
    batch.set(ValueLayout.ADDRESS, TOKENS, tokens);
    batch.set(ValueLayout.ADDRESS, POSITIONS, positions);
    batch.set(ValueLayout.ADDRESS, NUM_SEQUENCES, counts);
    batch.set(ValueLayout.ADDRESS, SEQUENCES, lists);
    batch.set(ValueLayout.ADDRESS, OUTPUTS, outputs);
  }

  int size() {
    return size;
  }

  boolean full() {
    return size == capacity;
  }

  void clear() {
    size = 0;
  }

  /** Adds a slot; {@code output} asks for its logits. */
  void add(int sequence, int position, int token, boolean output) {
    tokens.setAtIndex(ValueLayout.JAVA_INT, size, token);
    positions.setAtIndex(ValueLayout.JAVA_INT, size, position);
    sequences.setAtIndex(ValueLayout.JAVA_INT, size, sequence);
    outputs.set(ValueLayout.JAVA_BYTE, size, (byte) (output ? 1 : 0));
    size++;
  }

  /** The slots as a structure of {@link #LAYOUT}; valid until the next change. */
  MemorySegment segment() {
    batch.set(ValueLayout.JAVA_INT, 0, size);
    return batch;
  }
}
