package dev.nightjar.job.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/**
 * A table that is printed line by line, as measurements end: its columns are as wide as the first
 * line and an example need, the first two to the left and the others to the right.
 */
final class LiveTable {
  private final PrintStream out;
  private final List<Integer> widths = new ArrayList<>();

  LiveTable(PrintStream out, List<String> header, List<String> widest) {
    this.out = out;
    for (int column = 0; column < header.size(); column++) {
      widths.add(Math.max(header.get(column).length(), widest.get(column).length()));
    }
    add(header);
  }

  /** Prints a line with one text per column. */
  void add(List<String> row) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      String text = row.get(column);
      String space = " ".repeat(Math.max(0, widths.get(column) - text.length()));
      line.append(column == 0 ? "" : "  ").append(column < 2 ? text + space : space + text);
    }
    out.println(line.toString().stripTrailing());
    out.flush();
  }
}
