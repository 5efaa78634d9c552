package dev.nightjar.job.report;

import java.util.Locale;

/** Numbers for people. */
final class Figures {
  private static final String[] POWERS = {"", "k", "M", "G", "T", "P", "E", "Z"};

  private Figures() {}

  /** {@code 1,234}. */
  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** A share of 1 as {@code 12.3 %}. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** {@code 1,234.5}, with this many decimals. */
  static String decimal(double value, int decimals) {
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }

  /** Short, for axes and sums: {@code 0.25}, {@code 40}, {@code 1.5k}, {@code 2.3T}. */
  static String compact(double value) {
    double shown = Math.abs(value);
    int power = 0;
    while (shown >= 999.95 && power < POWERS.length - 1) {
      shown /= 1000;
      power++;
    }
    String digits = String.format(Locale.ROOT, shown < 1 ? "%.2f" : "%.1f", shown);
    if (digits.contains(".")) {
      digits = digits.replaceFirst("0+$", "").replaceFirst("\\.$", "");
    }
    return (value < 0 ? "-" : "") + digits + POWERS[power];
  }

  /** At most {@code length} characters, the last of which says if there were more. */
  static String shorten(String text, int length) {
    if (text.length() <= length) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(length - 2)) ? length - 2 : length - 1;
    return text.substring(0, end) + "…";
  }
}
