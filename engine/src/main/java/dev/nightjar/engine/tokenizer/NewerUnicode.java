package dev.nightjar.engine.tokenizer;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.BitSet;

/**
 * What Hugging Face's library does not know, because its tables are older than Java's:
 * normalisation is that of Unicode 9, where later characters stay as they are and where they are;
 * punctuation is that of Unicode 8.
 */
final class NewerUnicode {
  /**
   * The later characters, up to Unicode 16, that Java's tables decompose, compose or reorder: of
   * the Unicode Character Database those with a decomposition, a combining class other than 0, or a
   * part in a composition.
   */
  private static final String RANGES =
      "7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1ace 1df6-1dfa 32ff "
          + "a7f2-a7f4 a82c ab69 105c9 105d2 105da 105e4 10781-10785 10787-107b0 "
          + "107b2-107ba 10d24-10d27 10d69-10d6d 10eab-10eac 10efd-10eff 10f46-10f50 "
          + "10f82-10f85 11070 1133b 11382-11385 1138b 1138e 11390-11391 113b8 113bb 113c2 "
          + "113c5 113c7-113c9 113ce-113d0 1145e 11839-1183a 11930 11935 11938 1193d-1193e "
          + "11943 119e0 11a34 11a47 11a99 11d42 11d44-11d45 11d97 11f41-11f42 1611e-16129 "
          + "1612f 16d63 16d67-16d6a 16ff0-16ff1 1ccd6-1ccf9 1e030-1e06d 1e08f 1e130-1e136 "
          + "1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1f16c 1fbf0-1fbf9";

  /** Punctuation that came after Unicode 8, up to Unicode 16. */
  private static final String PUNCTUATION_RANGES =
      "61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead "
          + "10f55-10f59 10f86-10f89 113d4-113d5 113d7-113d8 1144b-1144f 1145a-1145b 1145d "
          + "11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c 11a9e-11aa2 "
          + "11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff "
          + "12ff1-12ff2 16d6d-16d6f 16e97-16e9a 16fe2 1e5ff 1e95e-1e95f";

  private static final BitSet MEMBERS = parse(RANGES);
  private static final BitSet PUNCTUATION = parse(PUNCTUATION_RANGES);

  private NewerUnicode() {}

  private static BitSet parse(String ranges) {
    BitSet members = new BitSet();
    for (String range : ranges.split(" ")) {
      int dash = range.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash), 16);
      int last = Integer.parseInt(range.substring(dash + 1), 16);
      members.set(first, last + 1);
    }
    return members;
  }

  /** Whether a character came to punctuation later. */
  static boolean isPunctuation(int codePoint) {
    return PUNCTUATION.get(codePoint);
  }

  /** Whether normalisation concerns a character and the library does not know that. */
  static boolean contains(int codePoint) {
    return MEMBERS.get(codePoint);
  }

  /** The text in a normal form. */
  static String normalize(String text, Form form) {
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    for (int i = 0; i < text.length(); ) {
      int codePoint = text.codePointAt(i);
      int end = i + Character.charCount(codePoint);
      if (contains(codePoint)) {
        out.append(Normalizer.normalize(text.substring(done, i), form));
        out.appendCodePoint(codePoint);
        done = end;
      }
      i = end;
    }
    return out.append(Normalizer.normalize(text.substring(done), form)).toString();
  }
}
