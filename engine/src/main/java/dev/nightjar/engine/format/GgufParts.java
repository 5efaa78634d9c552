package dev.nightjar.engine.format;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The files that a GGUF model was split into, {@code name-00001-of-00003.gguf} and so on.
 *
 * @param folder where they are
 * @param prefix what their names begin with
 * @param index of the part whose name was given, from 0
 * @param count how many there are
 */
record GgufParts(Path folder, String prefix, int index, int count) {
  static final String COUNT_KEY = "split.count";
  static final String NUMBER_KEY = "split.no";
  static final String TENSORS_KEY = "split.tensors.count";

  private static final int MAX_PARTS = 4096;
  private static final Pattern NAME = Pattern.compile("(.+)-(\\d{5})-of-(\\d{5})\\.gguf");

  /** The parts that a file which says that it is one of {@code count} belongs to. */
  static GgufParts of(MappedFile file, int count) {
    Matcher name = NAME.matcher(file.name());
    if (count > MAX_PARTS) {
      throw file.invalid(
          "%s is %d, expected at most %d; the file is damaged"
              .formatted(COUNT_KEY, count, MAX_PARTS));
    }
    if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
      throw file.invalid(
          ("this is a part of a model split into %d files, expected a name like"
                  + " model-00001-of-%05d.gguf to find the others by; give it its name back")
              .formatted(count, count));
    }
    int index = Integer.parseInt(name.group(2)) - 1;
    return new GgufParts(file.path().toAbsolutePath().getParent(), name.group(1), index, count);
  }

  /** Whether a file name is that of the first of several parts. */
  static boolean isFirst(String fileName) {
    Matcher name = NAME.matcher(fileName);
    return name.matches() && Integer.parseInt(name.group(2)) == 1;
  }

  /** The name that the parts have in common, or the name itself. */
  static String common(String fileName) {
    Matcher name = NAME.matcher(fileName);
    return name.matches() ? name.group(1) : fileName;
  }

  /** Where a part is; one that is missing is an error of the part that asks. */
  Path path(MappedFile asking, int part) {
    String name = String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", prefix, part + 1, count);
    Path path = folder.resolve(name);
    if (!Files.isRegularFile(path)) {
      throw asking.invalid(
          "part %d of %d, %s, is missing; put all parts in one folder"
              .formatted(part + 1, count, name));
    }
    return path;
  }

  /** Checks that a file is the part that its name says. */
  void check(MappedFile file, GgufMetadata metadata, int part) {
    int number = metadata.intValue(NUMBER_KEY, part);
    int of = metadata.intValue(COUNT_KEY, 1);
    if (number != part || of != count) {
      throw file.invalid(
          "the file says that it is part %d of %d, expected part %d of %d; download it again"
              .formatted(number + 1, of, part + 1, count));
    }
  }
}
