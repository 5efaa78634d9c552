package dev.nightjar.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Turns one token's string into the bytes it contributes. Immutable.
 *
 * @param byteLevel whether strings are bytes written as characters
 * @param replacements strings replaced in each token, in order
 * @param byteFallback whether {@code <0x41>} is the byte 0x41
 * @param strippedAtStart how many leading spaces the first token of a text loses
 */
record TokenDecoder(
    boolean byteLevel, List<Replacement> replacements, boolean byteFallback, int strippedAtStart) {

  /** A string and what it stands for in the text. */
  record Replacement(String string, String content) {}

  static final TokenDecoder PLAIN = new TokenDecoder(false, List.of(), false, 0);
  static final TokenDecoder BYTE_LEVEL = new TokenDecoder(true, List.of(), false, 0);

  TokenDecoder {
    replacements = List.copyOf(replacements);
  }

  /**
   * The bytes of a token of the model's vocabulary or of an added token that is part of the text.
   */
  byte[] bytes(String token, boolean atStart) {
    byte[] bytes = unstripped(token);
    int stripped = 0;
    while (atStart
        && stripped < strippedAtStart
        && stripped < bytes.length
        && bytes[stripped] == ' ') {
      stripped++;
    }
    return stripped == 0 ? bytes : Arrays.copyOfRange(bytes, stripped, bytes.length);
  }

  private byte[] unstripped(String token) {
    if (byteFallback && isByteToken(token)) {
      return new byte[] {(byte) Integer.parseInt(token, 3, 5, 16)};
    }
    String text = token;
    for (Replacement replacement : replacements) {
      text = text.replace(replacement.string(), replacement.content());
    }
    return byteLevel ? ByteAlphabet.decode(text) : text.getBytes(StandardCharsets.UTF_8);
  }

  private static boolean isByteToken(String token) {
    return token.length() == 6
        && token.startsWith("<0x")
        && token.charAt(5) == '>'
        && Character.digit(token.charAt(3), 16) >= 0
        && Character.digit(token.charAt(4), 16) >= 0
        && token.charAt(3) < 128
        && token.charAt(4) < 128;
  }
}
