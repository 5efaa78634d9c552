package dev.nightjar.engine.tokenizer;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Texts on which tokenizers are compared: every code point in use, many languages cut anywhere
 * (also inside a surrogate pair), program text, white space, controls, marks, long runs, tokens of
 * the vocabulary in random order, and random mixtures.
 */
final class OracleTexts {
  private static final int CODE_POINTS_PER_TEXT = 48;

  private static final String[] SENTENCES = {
    "The quick brown fox jumps over the lazy dog; it's 12:45 and they'll pay $1,234.56 (or 7%).",
    "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg – STRASSE, Straße, ẞ!",
    "Portez ce vieux whisky au juge blond qui fume; l'œuvre n'est-elle pas là où ça coûte 3 € ?",
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío. ¿Qué? ¡Añoraba!",
    "Pchnąć w tę łódź jeża lub ośm skrzyń fig. Zażółć gęślą jaźń.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. 1 000 000 ₽",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία· οδυσσεύς ΟΔΥΣΣΕΥΣ",
    "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul ılık.",
    "דג סקרן שט בים מאוכזב ולפתע מצא לו חברה: שָׁלוֹם 5 ₪",
    "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق ٠١٢٣٤٥",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश १२३",
    "আমার সোনার বাংলা, আমি তোমায় ভালোবাসি। ৪৫৬",
    "யாமறிந்த மொழிகளிலே தமிழ்மொழி போல் இனிதாவது எங்கும் காணோம்",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน ๑๒๓",
    "視野無限廣，窗外有藍天。我能吞下玻璃而不伤身体。２０２４年１２月",
    "いろはにほへと ちりぬるを。カタカナ、ﾊﾝｶｸ、漢字かな交じり文「テスト」です。",
    "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. ㅋㅋㅋ",
    "Tôi có thể ăn thủy tinh mà không hại gì. Đường phố Hà Nội",
    "მე მინას ვჭამ და არა მტკივა. Կրնամ ապակի ուտել",
    "ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ ⠎⠁⠽⠎ 𐌼𐌰𐌲 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 ﷺ ﬁ Ǆ ǅ ǆ",
    "👩‍👩‍👧‍👦 👍🏽👍🏿 🇩🇪🇯🇵🇺 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️ ☺︎ 1️⃣ #️⃣ 🧑🏻‍🚀🤷🏾‍♂️ 😀😃😄",
    "int main(void) {\n"
        + "\tfor (size_t i = 0; i < n; ++i) sum += a[i]*b[i]; // ≤ n²\n"
        + "\treturn 0;\n"
        + "}\r\n",
    "def f(x: int = 0x1F) -> str:\n"
        + "    \"\"\"Doc.\"\"\"\n"
        + "    return f\"{x!r:>10}\" if x**2 != 1e-9 else ''\n",
    "<html><body class=\"a b\"><!-- c --><p>&nbsp;&lt;</p></body></html>\n\n\n"
        + "{\"k\": [1, 2.5, null]}",
    "SELECT a.*, COUNT(*) FROM `t` a WHERE x LIKE '%\\_%' AND y::text ~ E'^\\\\d+$';--",
    "user@example.org https://example.org/~x/?q=%20&r=1#frag C:\\Users\\me\\file.tar.gz ../.."
        + " $HOME",
    "iPhoneXMLHttpRequest snake_case_name SCREAMING_CASE kebab-case camelCase2 v1.2.3-rc.4+build",
    "a̐éö̲ Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘ é é Å Å Å",
    "wasn't WASN'T we’ll y'all'd've 'tis o'clock 'S ’s 'ſ ʼn ŉ"
  };

  private static final String[] SPACES = {
    " ", " ", " ", "\n", "\r", "\t", "\u000B", "\f", "\u0085", "\u00A0", "\u1680", "\u2003",
    "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", "\u200B", "\uFEFF", "\u180E", "\u001C",
    "\r\n", "▁"
  };

  private static final String[] SEPARATORS = {"", "", "", " ", "a", "A", "1", ".", "\n", "é", "中"};

  private static final String[] RUNS = {
    "a", "A", " ", "\n", "\r\n", "\t", "0", ".", "-", "=", "é", "中", "ا", "😀", "\u0301", "\u00A0",
    "ab", "aA", "a ", " a", "a\n", "1a", "'s", "👍🏽", "🇩🇪", "▁", "한", "<|", "\u0000", "\u200D"
  };

  private final SplittableRandom random;
  private final RandomText mixtures;
  private final Tokenizer tokenizer;
  private final List<String> added;

  /**
   * Texts for one tokenizer.
   *
   * @param added strings of its added tokens
   */
  OracleTexts(long seed, Tokenizer tokenizer, List<String> added) {
    this.random = new SplittableRandom(seed);
    this.mixtures = new RandomText(random, added);
    this.tokenizer = tokenizer;
    this.added = added;
  }

  /** So many texts; a text is never longer than a few tens of thousands of chars. */
  List<String> make(int count) {
    List<String> texts = new ArrayList<>(count);
    addCodePoints(texts);
    for (String run : RUNS) {
      texts.add(run.repeat(10_000 / run.length()));
      texts.add("x" + run.repeat(random.nextInt(1, 3_000)) + "y");
    }
    for (int i = texts.size(); i < count; i++) {
      texts.add(
          switch (random.nextInt(10)) {
            case 0, 1, 2 -> mixtures.next();
            case 3, 4, 5 -> sentence();
            case 6, 7 -> tokens();
            case 8 -> spaces();
            default -> codePoints();
          });
    }
    return texts;
  }

  /** Every code point of the planes in use but the surrogates, and every 64th of the others. */
  private void addCodePoints(List<String> texts) {
    StringBuilder text = new StringBuilder();
    int inText = 0;
    for (int c = 0; c <= Character.MAX_CODE_POINT; c += isUsed(c >> 16) ? 1 : 64) {
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        continue;
      }
      text.appendCodePoint(c).append(SEPARATORS[random.nextInt(SEPARATORS.length)]);
      if (++inText == CODE_POINTS_PER_TEXT) {
        texts.add(text.toString());
        text.setLength(0);
        inText = 0;
      }
    }
    texts.add(text.toString());
  }

  private static boolean isUsed(int plane) {
    return plane <= 3 || plane == 14;
  }

  private String sentence() {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(1, 4);
    for (int p = 0; p < parts; p++) {
      String whole = SENTENCES[random.nextInt(SENTENCES.length)];
      int from = random.nextInt(whole.length());
      text.append(whole, from, random.nextInt(from, whole.length() + 1));
    }
    return switch (random.nextInt(8)) {
      case 0 -> Normalizer.normalize(text, Normalizer.Form.NFD);
      case 1 -> Normalizer.normalize(text, Normalizer.Form.NFC);
      case 2 -> text.toString().toUpperCase(Locale.ROOT);
      case 3 -> added.isEmpty() ? text.toString() : text + added.get(random.nextInt(added.size()));
      default -> text.toString();
    };
  }

  private String tokens() {
    StringBuilder text = new StringBuilder();
    int count = random.nextInt(1, 9);
    TextAssembler assembler = new TextAssembler(tokenizer);
    for (int i = 0; i < count; i++) {
      text.append(assembler.add(random.nextInt(tokenizer.vocabSize())));
    }
    return text.append(assembler.finish()).toString();
  }

  private String spaces() {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(1, 12);
    for (int i = 0; i < parts; i++) {
      String space = SPACES[random.nextInt(SPACES.length)];
      text.append(space.repeat(random.nextInt(1, random.nextInt(6) == 0 ? 40 : 4)));
      if (random.nextInt(2) == 0) {
        text.append(SEPARATORS[random.nextInt(SEPARATORS.length)]);
      }
    }
    return text.toString();
  }

  /** Any chars, many of them unassigned, and lone surrogates. */
  private String codePoints() {
    StringBuilder text = new StringBuilder();
    int count = random.nextInt(1, 24);
    for (int i = 0; i < count; i++) {
      switch (random.nextInt(4)) {
        case 0 -> text.append((char) random.nextInt(0x10000));
        case 1 -> text.append((char) random.nextInt(0x300));
        case 2 -> text.appendCodePoint(random.nextInt(0x20000));
        default -> text.append(SEPARATORS[random.nextInt(SEPARATORS.length)]);
      }
    }
    return text.toString();
  }
}
