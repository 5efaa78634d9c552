package dev.nightjar.engine.constraint;

import dev.nightjar.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A vocabulary of given byte strings; the last id ends a text. With a space stripped at the start
 * it reads like a SentencePiece vocabulary.
 */
final class ListedTokens implements Tokenizer {
  private final List<byte[]> tokens;
  private final boolean stripsAtStart;

  ListedTokens(List<byte[]> tokens, boolean stripsAtStart) {
    this.tokens = List.copyOf(tokens);
    this.stripsAtStart = stripsAtStart;
  }

  /** All single bytes and pieces of text as a trained vocabulary might have them. */
  static ListedTokens random(long seed, boolean stripsAtStart) {
    Random random = new Random(seed);
    List<byte[]> tokens = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      tokens.add(new byte[] {(byte) b});
    }
    String text =
        "{\"name\":\"Jörg 😀\",\"score\":-0.25e1,\"ok\":true,\"no\":false,\"nil\":null,"
            + "\"tags\":[\"a\",\"b\\n\",\"\\u00e9\"],\"date\":\"2002-08-22T18:26:25Z\",\"x\":{}}]";
    byte[] bytes = (text + " " + text.replace("\"", " \"")).getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 600; i++) {
      int from = random.nextInt(bytes.length);
      int to = Math.min(bytes.length, from + 2 + random.nextInt(6));
      tokens.add(Arrays.copyOfRange(bytes, from, to));
    }
    return new ListedTokens(tokens, stripsAtStart);
  }

  int end() {
    return tokens.size();
  }

  @Override
  public int[] encode(String text) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    throw new UnsupportedOperationException();
  }

  @Override
  public byte[] tokenBytes(int id, boolean atStart) {
    if (id >= tokens.size()) {
      return new byte[0];
    }
    byte[] bytes = tokens.get(id);
    boolean strips = atStart && stripsAtStart && bytes[0] == ' ';
    return strips ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes.clone();
  }

  @Override
  public String tokenText(int id) {
    return "<" + id + ">";
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= tokens.size();
  }

  @Override
  public int idOf(String token) {
    return -1;
  }

  @Override
  public int vocabSize() {
    return tokens.size() + 2;
  }

  @Override
  public int bosToAdd() {
    return -1;
  }
}
