package dev.nightjar.engine.constraint;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The characters of predefined classes such as {@code \d} and {@code \p{Lu}}, asked of the JDK. */
final class JavaClasses {
  private static final int MOST_KEPT = 256;
  private static final Map<String, CharacterSet> KNOWN = new ConcurrentHashMap<>();

  private JavaClasses() {}

  /** The characters of a class, or null if the JDK knows none by this name. */
  static CharacterSet of(String name) {
    CharacterSet known = KNOWN.get(name);
    if (known != null) {
      return known;
    }
    try {
      CharacterSet set = scan(Pattern.compile(name));
      if (KNOWN.size() < MOST_KEPT) {
        KNOWN.put(name, set);
      }
      return set;
    } catch (PatternSyntaxException e) {
      return null;
    }
  }

  private static CharacterSet scan(Pattern pattern) {
    int[] bounds = new int[4096];
    int count = 0;
    StringBuilder text = new StringBuilder(2);
    Matcher matcher = pattern.matcher(text);
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c == Character.MIN_SURROGATE) {
        c = Character.MAX_SURROGATE + 1;
      }
      text.setLength(0);
      matcher.reset(text.appendCodePoint(c));
      if (matcher.matches()) {
        if (count > 0 && bounds[count - 1] == c - 1) {
          bounds[count - 1] = c;
        } else {
          if (count == bounds.length) {
            bounds = Arrays.copyOf(bounds, 2 * count);
          }
          bounds[count++] = c;
          bounds[count++] = c;
        }
      }
    }
    return CharacterSet.ofRanges(bounds, count);
  }
}
