package dev.nightjar.engine.depth;

import java.nio.charset.StandardCharsets;

/** Small, stable hashes; their values are part of the reproducibility promise. */
public final class Hashing {
  private Hashing() {}

  /** The finaliser of SplitMix64 (Steele et al., OOPSLA 2014) after one step of its counter. */
  public static long mix(long z) {
    long x = z + 0x9E3779B97F4A7C15L;
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }

  /** A 64-bit hash of a string's UTF-8 bytes (FNV-1a, then mixed). */
  public static long of(String s) {
    long h = 0xCBF29CE484222325L;
    for (byte b : s.getBytes(StandardCharsets.UTF_8)) {
      h = (h ^ (b & 0xff)) * 0x100000001B3L;
    }
    return mix(h);
  }
}
