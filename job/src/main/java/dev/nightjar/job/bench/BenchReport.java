package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.job.evaluate.TextTable;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** Tables for people as they come, and the same numbers as one JSON object. */
final class BenchReport {
  private final PrintStream out;
  private final ObjectNode root = JsonMapper.builder().build().createObjectNode();
  private boolean failed;

  BenchReport(PrintStream out) {
    this.out = out;
  }

  /** Starts a part of the output. */
  void title(String title) {
    out.println();
    out.println("== " + title);
    out.flush();
  }

  /** A line of text. */
  void note(String text) {
    out.println(text);
    out.flush();
  }

  /** A table whose first two columns say what was measured. */
  void table(List<String> header, List<List<String>> rows) {
    TextTable table = new TextTable(header);
    rows.forEach(table::add);
    table.console().forEach(out::println);
    out.flush();
  }

  /**
   * A table whose lines appear as they come.
   *
   * @param widest what the widest texts of its columns look like
   */
  LiveTable lines(List<String> header, List<String> widest) {
    return new LiveTable(out, header, widest);
  }

  /** Says what is wrong unless something holds; the benchmark then fails at its end. */
  void check(boolean holds, String otherwise) {
    if (!holds) {
      failed = true;
      note("FAILED: " + otherwise);
      root.withArray("/failed").add(otherwise);
    }
  }

  /** Whether a check failed. */
  boolean failed() {
    return failed;
  }

  /** The object of a section; the same one for the same name. */
  ObjectNode section(String name) {
    return root.withObject("/" + name);
  }

  /** A list within a section; the same one for the same names. */
  ArrayNode list(String section, String name) {
    return section(section).withArray("/" + name);
  }

  /** Everything, in the order of the sections. */
  ObjectNode json() {
    return root;
  }

  static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }
}
