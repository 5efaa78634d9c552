package dev.nightjar.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The printable characters that stand for bytes in byte-level vocabularies (GPT-2's
 * bytes_to_unicode): printable Latin-1 bytes stand for themselves, the others for U+0100 and up.
 */
final class ByteAlphabet {
  private static final char[] CHAR_OF_BYTE = new char[256];
  private static final short[] BYTE_OF_CHAR = new short[512];

  static {
    Arrays.fill(BYTE_OF_CHAR, (short) -1);
    int extra = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      char c = (char) (printable ? b : extra++);
      CHAR_OF_BYTE[b] = c;
      BYTE_OF_CHAR[c] = (short) b;
    }
  }

  private ByteAlphabet() {}

  static char charOf(int unsignedByte) {
    return CHAR_OF_BYTE[unsignedByte];
  }

  /** The text's UTF-8 bytes, each as its character. */
  static String encode(String text) {
    boolean same = true;
    for (int i = 0; i < text.length() && same; i++) {
      char c = text.charAt(i);
      same = c > 32 && c < 127;
    }
    if (same) {
      return text;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    char[] chars = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      chars[i] = CHAR_OF_BYTE[bytes[i] & 0xFF];
    }
    return new String(chars);
  }

  /**
   * The bytes the characters stand for, or the UTF-8 bytes of the text when one of them stands for
   * none.
   */
  static byte[] decode(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) BYTE_OF_CHAR[c];
    }
    return bytes;
  }
}
