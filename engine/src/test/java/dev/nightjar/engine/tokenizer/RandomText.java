package dev.nightjar.engine.tokenizer;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Makes texts of mixed scripts, emojis, marks, white space, digits, controls and strings of control
 * tokens.
 */
final class RandomText {
  private static final int[][] RANGES = {
    {'a', 'z'},
    {'a', 'z'},
    {'A', 'Z'},
    {'0', '9'},
    {' ', ' '},
    {' ', ' '},
    {'!', '~'},
    {0x00C0, 0x024F},
    {0x0391, 0x03A1},
    {0x03B1, 0x03C9},
    {0x0410, 0x044F},
    {0x05D0, 0x05EA},
    {0x0627, 0x064A},
    {0x0905, 0x0939},
    {0x0E01, 0x0E30},
    {0x1100, 0x1112},
    {0xAC00, 0xD7A3},
    {0x3041, 0x3096},
    {0x30A1, 0x30FA},
    {0x4E00, 0x9FA5},
    {0x1F600, 0x1F64F},
    {0x1F300, 0x1F5FF},
    {0x0300, 0x036F},
    {0x0660, 0x0669},
    {0x0966, 0x096F},
    {0x2150, 0x2188},
    {0x00B2, 0x00B3},
    {0x2000, 0x200F},
    {0x2028, 0x202F},
    {0x0001, 0x001F},
    {0x007F, 0x00A0},
    {0x2190, 0x21FF},
    {0x20A0, 0x20BF},
    {0x1D400, 0x1D454},
    {0xFF10, 0xFF5A},
    {0xFB00, 0xFB06},
    {0xE000, 0xE010},
    {0x20000, 0x20010},
    {0x3000, 0x3000},
    {0x2581, 0x2581},
    {0x200D, 0x200D},
    {0xFE0F, 0xFE0F},
    {0x24B6, 0x24E9},
    {0x2460, 0x2473},
    {0x00B9, 0x00BE},
    {0x203F, 0x2040}
  };

  private static final String[] FRAGMENTS = {
    " ",
    "  ",
    "   ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    " \n",
    "\n ",
    "    \n  ",
    " \t ",
    "'s",
    "'S",
    "'re",
    "'LL",
    "'ſ",
    "don't",
    "I'm",
    "12345",
    "3.14",
    "2024-05-06",
    "...",
    "!!!",
    "--",
    "(a)",
    "http://example.org/x?y=1&z=2",
    "foo_bar",
    "fooBar",
    "<tag>",
    "</s>",
    "é",
    "e\u0301",
    "\u1100\u1161\u11A8",
    "각",
    "👩‍👩‍👧",
    "🇩🇪",
    "👍🏽",
    "हिन्दी",
    "ﬁ",
    "Å",
    "½",
    "١٢٣",
    "日本語",
    "the",
    " the",
    " The",
    "and",
    " of",
    "ing",
    "tion",
    "Hello",
    " world",
    "<0x0A>",
    "▁",
    "▁▁"
  };

  private final RandomGenerator random;
  private final List<String> specials;

  RandomText(RandomGenerator random, List<String> specials) {
    this.random = random;
    this.specials = specials;
  }

  String next() {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(1, 12);
    for (int i = 0; i < parts; i++) {
      switch (random.nextInt(10)) {
        case 0, 1, 2 -> text.append(FRAGMENTS[random.nextInt(FRAGMENTS.length)]);
        case 3 -> {
          if (!specials.isEmpty()) {
            text.append(specials.get(random.nextInt(specials.size())));
          }
        }
        case 4 -> text.append(" ".repeat(random.nextInt(6)));
        default -> run(text);
      }
    }
    return text.toString();
  }

  private void run(StringBuilder text) {
    int[] range = RANGES[random.nextInt(RANGES.length)];
    int length = random.nextInt(1, 9);
    for (int i = 0; i < length; i++) {
      int[] used = random.nextInt(8) == 0 ? RANGES[random.nextInt(RANGES.length)] : range;
      text.appendCodePoint(random.nextInt(used[0], used[1] + 1));
    }
  }
}
