package dev.nightjar.engine;

/**
 * What the decoders of an engine hold together at one moment.
 *
 * @param kvBytes keys and values held, by rows or by the prefix cache
 * @param kvBytesReserved keys and values that running rows may need at most
 * @param maxKvBytes most bytes that rows may reserve; 0 is unlimited
 * @param waitingRows rows that could start now if there were room for their keys and values
 * @param prefixBytes what the prefix cache keeps: of {@code kvBytes} its share, and its own records
 * @param maxPrefixBytes most bytes that it keeps; 0 if there is none
 */
public record MemoryUse(
    long kvBytes,
    long kvBytesReserved,
    long maxKvBytes,
    int waitingRows,
    long prefixBytes,
    long maxPrefixBytes) {
  /** Of no engine. */
  public static final MemoryUse NONE = new MemoryUse(0, 0, 0, 0, 0, 0);

  /** Of two engines. */
  public MemoryUse plus(MemoryUse other) {
    return new MemoryUse(
        kvBytes + other.kvBytes,
        kvBytesReserved + other.kvBytesReserved,
        maxKvBytes + other.maxKvBytes,
        waitingRows + other.waitingRows,
        prefixBytes + other.prefixBytes,
        maxPrefixBytes + other.maxPrefixBytes);
  }
}
