package dev.nightjar.engine.decode;

import dev.nightjar.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;

/** One token per UTF-8 byte; 256 ends a text. */
final class ByteTokenizer implements Tokenizer {
  @Override
  public int[] encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = bytes[i] & 0xff;
    }
    return ids;
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    return encode(text);
  }

  @Override
  public byte[] tokenBytes(int id, boolean atStart) {
    return id < 256 ? new byte[] {(byte) id} : new byte[0];
  }

  @Override
  public String tokenText(int id) {
    return "<" + id + ">";
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= 256;
  }

  @Override
  public int idOf(String token) {
    return -1;
  }

  @Override
  public int vocabSize() {
    return 260;
  }

  @Override
  public int bosToAdd() {
    return -1;
  }
}
