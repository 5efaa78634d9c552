package dev.nightjar.engine.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.text.BreakIterator;
import java.util.Base64;

/**
 * SentencePiece's compiled normalisation rules: a double-array trie (darts-clone) from UTF-8
 * prefixes to offsets in a block of zero-terminated replacements.
 */
final class PrecompiledCharsMap {
  private static final int MAX_BYTES = 16 << 20;
  private static final int MAX_GRAPHEME_BYTES = 6;

  private final int[] units;
  private final byte[] replacements;

  private PrecompiledCharsMap(int[] units, byte[] replacements) {
    this.units = units;
    this.replacements = replacements;
  }

  /** Decodes the rules. */
  static PrecompiledCharsMap of(String base64) {
    byte[] bytes;
    try {
      bytes = base64.length() > MAX_BYTES ? new byte[0] : Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw JsonFields.invalid("precompiled_charsmap is not base64; export the tokenizer again");
    }
    return of(bytes);
  }

  private static PrecompiledCharsMap of(byte[] bytes) {
    if (bytes.length < 8) {
      throw JsonFields.invalid("precompiled_charsmap is empty or too large");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int trieBytes = buffer.getInt();
    if (trieBytes <= 0 || trieBytes % 4 != 0 || trieBytes > bytes.length - 4) {
      throw JsonFields.invalid(
          "precompiled_charsmap has a trie of %d bytes in %d bytes"
              .formatted(trieBytes, bytes.length));
    }
    int[] units = new int[trieBytes / 4];
    buffer.asIntBuffer().get(units);
    buffer.position(4 + trieBytes);
    byte[] replacements = new byte[buffer.remaining()];
    buffer.get(replacements);
    return new PrecompiledCharsMap(units, replacements);
  }

  String normalize(String text) {
    StringBuilder out = new StringBuilder(text.length());
    BreakIterator graphemes = BreakIterator.getCharacterInstance();
    graphemes.setText(text);
    int from = graphemes.first();
    for (int to = graphemes.next(); to >= 0; to = graphemes.next()) {
      appendGrapheme(text, from, to, out);
      from = to;
    }
    return out.toString();
  }

  /** A short grapheme is looked up whole first, then character by character. */
  private void appendGrapheme(String text, int from, int to, StringBuilder out) {
    String grapheme = text.substring(from, to);
    byte[] bytes = grapheme.getBytes(StandardCharsets.UTF_8);
    if (bytes.length < MAX_GRAPHEME_BYTES) {
      String whole = find(bytes);
      if (whole != null) {
        out.append(whole);
        return;
      }
    }
    for (int i = 0; i < grapheme.length(); ) {
      String character = Character.toString(grapheme.codePointAt(i));
      String replaced = find(character.getBytes(StandardCharsets.UTF_8));
      out.append(replaced == null ? character : replaced);
      i += character.length();
    }
  }

  /** Replacement of the shortest prefix that has one, as Hugging Face does it; or null. */
  private String find(byte[] key) {
    int node = 0;
    int unit = units[0];
    node ^= offset(unit);
    for (byte b : key) {
      if (b == 0) {
        break;
      }
      node ^= b & 0xFF;
      if (node < 0 || node >= units.length) {
        return null;
      }
      unit = units[node];
      if ((unit & 0x800000FF) != (b & 0xFF)) {
        return null;
      }
      node ^= offset(unit);
      if (((unit >>> 8) & 1) == 1) {
        if (node < 0 || node >= units.length) {
          return null;
        }
        return replacement(units[node] & 0x7FFFFFFF);
      }
    }
    return null;
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  }

  private String replacement(int at) {
    if (at >= replacements.length) {
      return null;
    }
    int end = at;
    while (end < replacements.length && replacements[end] != 0) {
      end++;
    }
    return new String(replacements, at, end - at, StandardCharsets.UTF_8);
  }
}
