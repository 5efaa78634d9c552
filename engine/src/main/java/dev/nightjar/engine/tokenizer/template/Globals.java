package dev.nightjar.engine.tokenizer.template;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions every template can call. */
final class Globals {
  private static final int MAX_RANGE = 100_000;

  private Globals() {}

  static Map<String, Callable> all(Budget budget, TemplateOptions options) {
    Map<String, Callable> functions = new LinkedHashMap<>();
    functions.put("raise_exception", arguments -> raise(arguments, budget));
    functions.put("range", arguments -> range(arguments, budget));
    functions.put("namespace", arguments -> new Namespace(fields(arguments, String.class)));
    functions.put("dict", arguments -> fields(arguments, Object.class));
    if (options.now().isPresent()) {
      LocalDateTime now = options.now().get();
      functions.put(
          "strftime_now", arguments -> format(now, arguments.string(0, "format", ""), budget));
    }
    return functions;
  }

  private static Object raise(Arguments arguments, Budget budget) {
    throw TemplateFault.at(
        arguments.line(),
        "the template refuses the messages: "
            + Values.text(arguments.get(0, "message", "no reason given"), budget));
  }

  private static Object range(Arguments arguments, Budget budget) {
    boolean one = arguments.positional().size() == 1;
    long start = one ? 0 : arguments.integer(0, "start", 0);
    long stop = arguments.integer(one ? 0 : 1, "stop", 0);
    long step = arguments.integer(2, "step", 1);
    if (step == 0) {
      throw budget.fault("the step of range is 0");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw budget.fault("range has more than " + MAX_RANGE + " numbers");
      }
      budget.spend(1);
      numbers.add(i);
      if (step > 0 ? i > Long.MAX_VALUE - step : i < Long.MIN_VALUE - step) {
        break;
      }
    }
    return numbers;
  }

  /** The entries of a dict argument and the named arguments. */
  private static <K> Map<K, Object> fields(Arguments arguments, Class<K> keyType) {
    Map<K, Object> fields = new LinkedHashMap<>();
    if (!arguments.positional().isEmpty()) {
      if (!(arguments.positional().getFirst() instanceof Map<?, ?> map)) {
        throw TemplateFault.at(arguments.line(), "found no dict, expected one or named arguments");
      }
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (!keyType.isInstance(entry.getKey())) {
          throw TemplateFault.at(arguments.line(), "a key of the dict is not a string");
        }
        fields.put(keyType.cast(entry.getKey()), entry.getValue());
      }
    }
    arguments.named().forEach((key, value) -> fields.put(keyType.cast(key), value));
    return fields;
  }

  /** The usual directives of C's strftime. */
  private static String format(LocalDateTime now, String format, Budget budget) {
    budget.spendChars(format.length());
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean unpadded = directive == '-' && i + 1 < format.length();
      if (unpadded) {
        directive = format.charAt(++i);
      }
      String pattern = pattern(directive, unpadded);
      if (pattern == null) {
        out.append('%').append(directive);
      } else if (pattern.equals("%")) {
        out.append('%');
      } else {
        out.append(formatted(now, pattern, budget));
      }
    }
    return out.toString();
  }

  private static String formatted(LocalDateTime now, String pattern, Budget budget) {
    try {
      return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
    } catch (DateTimeException e) {
      throw budget.fault("strftime_now cannot format the date: " + e.getMessage());
    }
  }

  private static String pattern(char directive, boolean unpadded) {
    return switch (directive) {
      case 'Y' -> "yyyy";
      case 'y' -> "yy";
      case 'm' -> unpadded ? "M" : "MM";
      case 'd' -> unpadded ? "d" : "dd";
      case 'e' -> "ppd";
      case 'B' -> "MMMM";
      case 'b', 'h' -> "MMM";
      case 'A' -> "EEEE";
      case 'a' -> "EEE";
      case 'H' -> unpadded ? "H" : "HH";
      case 'I' -> unpadded ? "h" : "hh";
      case 'M' -> unpadded ? "m" : "mm";
      case 'S' -> unpadded ? "s" : "ss";
      case 'p' -> "a";
      case 'j' -> unpadded ? "D" : "DDD";
      case 'F' -> "yyyy-MM-dd";
      case 'T' -> "HH:mm:ss";
      case '%' -> "%";
      default -> null;
    };
  }
}
