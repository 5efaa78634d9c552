package dev.nightjar.engine.constraint;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbers in plain notation between bounds. A fraction has at most {@value #FRACTION} digits.
 *
 * @param min lower bound, or null
 * @param minIncluded whether the bound itself is in the range
 * @param max upper bound, or null
 */
record NumberRange(BigDecimal min, boolean minIncluded, BigDecimal max, boolean maxIncluded) {
  /** Most digits before the point, and most digits of a bound's fraction. */
  static final int DIGITS = 18;

  private static final int FRACTION = 15;
  private static final Language DIGIT = new Language.OneOf(CharacterSet.of('0', '9'));
  private static final Language NOTHING = new Language.Union(List.of());
  private static final Language ZERO = new Language.Literal("0");

  /** Where a magnitude lies against a bound. */
  private enum Side {
    ABOVE,
    BELOW
  }

  /** Whether the bounds have few enough digits. */
  static boolean supports(BigDecimal bound) {
    BigDecimal plain = bound.stripTrailingZeros();
    return plain.scale() <= FRACTION && plain.precision() - plain.scale() <= DIGITS;
  }

  /** The integers of the range. */
  Language integers() {
    return signed(true);
  }

  /** All numbers of the range, without exponents. */
  Language numbers() {
    return signed(false);
  }

  private Language signed(boolean integers) {
    Language positive = magnitudes(min, minIncluded, max, maxIncluded, integers);
    Language negative =
        magnitudes(
            max == null ? null : max.negate(),
            maxIncluded,
            min == null ? null : min.negate(),
            minIncluded,
            integers);
    Language nonZero =
        integers ? Language.regex("[1-9][0-9]*") : Language.regex("[0-9.]*[1-9][0-9.]*");
    return Language.union(
        positive, Language.chain(new Language.Literal("-"), new Language.Both(negative, nonZero)));
  }

  /** Numbers from zero on between the bounds. */
  private static Language magnitudes(
      BigDecimal low,
      boolean lowIncluded,
      BigDecimal high,
      boolean highIncluded,
      boolean integers) {
    if (high != null && (high.signum() < 0 || (high.signum() == 0 && !highIncluded))) {
      return NOTHING;
    }
    Language all =
        integers
            ? Language.regex("0|[1-9][0-9]{0,17}")
            : Language.regex("(?:0|[1-9][0-9]{0,17})(?:\\.[0-9]{1,15})?");
    if (low != null && (low.signum() > 0 || (low.signum() == 0 && !lowIncluded))) {
      all = new Language.Both(all, compared(low, lowIncluded, Side.ABOVE));
    }
    if (high != null) {
      all = new Language.Both(all, compared(high, highIncluded, Side.BELOW));
    }
    return all;
  }

  /** Plain magnitudes on one side of a bound that is not negative. */
  private static Language compared(BigDecimal bound, boolean included, Side side) {
    String plain = bound.stripTrailingZeros().toPlainString();
    int point = plain.indexOf('.');
    String whole = point < 0 ? plain : plain.substring(0, point);
    String fraction = point < 0 ? "" : plain.substring(point + 1);
    List<Language> alternatives = new ArrayList<>();
    Language anyFraction = Language.optional(Language.regex("\\.[0-9]+"));
    for (int i = 0; i < whole.length(); i++) {
      Language digit = beyond(whole.charAt(i), side, i == 0 && whole.length() > 1);
      Language rest = exactly(whole.length() - 1 - i);
      alternatives.add(
          Language.chain(new Language.Literal(whole.substring(0, i)), digit, rest, anyFraction));
    }
    if (side == Side.ABOVE) {
      alternatives.add(
          Language.chain(
              Language.regex("[1-9]"),
              new Language.Repeat(DIGIT, whole.length(), Language.Repeat.UNBOUNDED),
              anyFraction));
    } else if (whole.length() > 1) {
      alternatives.add(
          Language.chain(
              Language.union(
                  ZERO,
                  Language.chain(
                      Language.regex("[1-9]"), new Language.Repeat(DIGIT, 0, whole.length() - 2))),
              anyFraction));
    }
    alternatives.add(
        Language.chain(new Language.Literal(whole), fractions(fraction, included, side)));
    return new Language.Union(alternatives);
  }

  private static Language exactly(int digits) {
    return new Language.Repeat(DIGIT, digits, digits);
  }

  private static Language beyond(char digit, Side side, boolean leading) {
    char first = side == Side.ABOVE ? (char) (digit + 1) : leading ? '1' : '0';
    char last = side == Side.ABOVE ? '9' : (char) (digit - 1);
    return first > last ? NOTHING : new Language.OneOf(CharacterSet.of(first, last));
  }

  /** The fractions, point included, on one side of a fraction; none counts as zero. */
  private static Language fractions(String bound, boolean included, Side side) {
    List<Language> alternatives = new ArrayList<>();
    Language anyDigits = new Language.Repeat(DIGIT, 0, Language.Repeat.UNBOUNDED);
    for (int i = 0; i < bound.length(); i++) {
      alternatives.add(
          Language.chain(
              new Language.Literal("." + bound.substring(0, i)),
              beyond(bound.charAt(i), side, false),
              anyDigits));
      if (side == Side.BELOW && i > 0) {
        alternatives.add(new Language.Literal("." + bound.substring(0, i)));
      }
    }
    if (side == Side.BELOW && !bound.isEmpty()) {
      alternatives.add(Language.EMPTY);
    }
    Language equal =
        bound.isEmpty()
            ? Language.optional(Language.regex("\\.0+"))
            : Language.chain(new Language.Literal("." + bound), Language.regex("0*"));
    if (included) {
      alternatives.add(equal);
    }
    if (side == Side.ABOVE) {
      Language more = Language.regex("0*[1-9][0-9]*");
      alternatives.add(
          Language.chain(new Language.Literal(bound.isEmpty() ? "." : "." + bound), more));
    }
    return new Language.Union(alternatives);
  }
}
