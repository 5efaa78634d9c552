package dev.nightjar.engine.constraint;

import java.util.List;

/** The formats of JSON strings that are supported, by their names in JSON Schema. */
final class Formats {
  static final List<String> NAMES = List.of("date", "date-time", "time", "email", "uuid", "ipv4");

  private static final String CLOCK =
      "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?"
          + "(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])";
  private static final String DAY =
      "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
          + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
          + "|02-(?:0[1-9]|1[0-9]|2[0-8]))";
  private static final String LEAP_YEAR =
      "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
  private static final String YEAR = "[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000";
  private static final String OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  private static final String LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  private static final String WORD = "[A-Za-z0-9_+-]{1,32}";

  private Formats() {}

  /** The texts of a format, or null if it is not supported. */
  static Language of(String name) {
    return switch (name) {
      case "date" -> date();
      case "date-time" -> Language.chain(date(), new Language.Literal("T"), Language.regex(CLOCK));
      case "time" -> Language.regex(CLOCK);
      case "email" ->
          Language.regex(WORD + "(?:\\." + WORD + ")?@(?:" + LABEL + "\\.){1,3}[A-Za-z]{2,10}");
      case "uuid" -> Language.regex("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
      case "ipv4" -> Language.regex(OCTET + "(?:\\." + OCTET + "){3}");
      default -> null;
    };
  }

  /** Days of the Gregorian calendar from year 1 to 9999. */
  private static Language date() {
    return new Language.Both(
        Language.union(Language.regex("[0-9]{4}-" + DAY), Language.regex(LEAP_YEAR + "-02-29")),
        Language.regex("(?:" + YEAR + ")-[0-9]{2}-[0-9]{2}"));
  }
}
