package dev.nightjar.engine.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damages files in the ways that break parsers; the same random source gives the same damage. */
final class Mutations {
  private static final long[] ABSURD = {
    0,
    1,
    -1,
    7,
    255,
    65536,
    Integer.MAX_VALUE,
    1L << 31,
    (1L << 32) - 1,
    1L << 32,
    1L << 40,
    1L << 61,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    Long.MAX_VALUE - 31,
  };

  private static final String[] TEXT = {
    "null",
    "-1",
    "1e999",
    "99999999999999999999999999",
    "\"\"",
    "[]",
    "{}",
    "\"../../etc/passwd\"",
    "[[[[[[[[[[[[[[[[",
    "\\u0000",
    "NaN",
    "\"F64\"",
    "\"F16\"",
    "\"LlamaForCausalLM\"",
    "{\"a\":",
    "\"",
    "true",
  };

  private static final Pattern ATOM =
      Pattern.compile("-?[0-9]+(\\.[0-9]+)?|\"[^\"]*\"|true|false|null");

  private final Random random;

  Mutations(Random random) {
    this.random = random;
  }

  /** Damages a binary file, its first {@code headerBytes} most of the time. */
  byte[] binary(byte[] original, int headerBytes) {
    byte[] bytes = original.clone();
    int times = 1 + random.nextInt(3);
    for (int i = 0; i < times && bytes.length > 0; i++) {
      bytes = binaryOnce(bytes, Math.min(headerBytes, bytes.length));
    }
    return bytes;
  }

  private byte[] binaryOnce(byte[] bytes, int headerBytes) {
    int position = random.nextInt(random.nextInt(8) == 0 ? bytes.length : headerBytes);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long absurd = absurd(bytes.length);
    switch (random.nextInt(8)) {
      case 0 -> {
        return Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
      }
      case 1 -> {
        return Arrays.copyOf(bytes, position);
      }
      case 2, 3 -> bytes[position] ^= (byte) (1 << random.nextInt(8));
      case 4 -> bytes[position] = (byte) random.nextInt(16);
      case 5 -> {
        if (position + 8 <= bytes.length) {
          buffer.putLong(position, absurd);
        }
      }
      case 6 -> {
        if (position + 4 <= bytes.length) {
          buffer.putInt(position, (int) absurd);
        }
      }
      default -> {
        return splice(bytes, position);
      }
    }
    return bytes;
  }

  /** Damages JSON text: whole values by absurd ones, or single characters. */
  byte[] json(byte[] original) {
    if (random.nextInt(3) == 0) {
      return binary(original, original.length);
    }
    String text = new String(original, StandardCharsets.UTF_8);
    List<MatchResult> atoms = new ArrayList<>(ATOM.matcher(text).results().toList());
    MatchResult atom = atoms.get(random.nextInt(atoms.size()));
    String replacement =
        switch (random.nextInt(3)) {
          case 0 -> Long.toString(absurd(original.length));
          case 1 -> TEXT[random.nextInt(TEXT.length)];
          default -> atoms.get(random.nextInt(atoms.size())).group();
        };
    String damaged = text.substring(0, atom.start()) + replacement + text.substring(atom.end());
    return damaged.getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Damages the header of a safetensors file as JSON and, most of the time, corrects its length.
   */
  byte[] safetensorsHeader(byte[] original) {
    long headerBytes = ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int dataStart = 8 + (int) headerBytes;
    byte[] header = json(Arrays.copyOfRange(original, 8, dataStart));
    ByteBuffer out = ByteBuffer.allocate(8 + header.length + original.length - dataStart);
    out.order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(random.nextInt(8) == 0 ? absurd(original.length) : header.length);
    out.put(header).put(original, dataStart, original.length - dataStart);
    return out.array();
  }

  private long absurd(int fileBytes) {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextInt(fileBytes + 1);
      default -> ABSURD[random.nextInt(ABSURD.length)];
    };
  }

  /** Copies a piece of the file to {@code position}, or drops one from there. */
  private byte[] splice(byte[] bytes, int position) {
    int length = random.nextInt(Math.min(64, bytes.length - position) + 1);
    int source = random.nextInt(bytes.length - length + 1);
    boolean drop = random.nextBoolean();
    byte[] out = new byte[bytes.length + (drop ? -length : length)];
    System.arraycopy(bytes, 0, out, 0, position);
    if (drop) {
      int from = position + length;
      System.arraycopy(bytes, from, out, position, bytes.length - from);
    } else {
      System.arraycopy(bytes, source, out, position, length);
      System.arraycopy(bytes, position, out, position + length, bytes.length - position);
    }
    return out;
  }
}
