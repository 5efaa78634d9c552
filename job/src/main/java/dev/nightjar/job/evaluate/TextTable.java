package dev.nightjar.job.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A table of texts for the console and for Markdown. */
public final class TextTable {
  private final List<String> header;
  private final List<List<String>> rows = new ArrayList<>();

  /** An empty table. */
  public TextTable(List<String> header) {
    this.header = List.copyOf(header);
  }

  /** Adds a row with one text per column. */
  public void add(List<String> row) {
    if (row.size() != header.size()) {
      throw new IllegalStateException(row + " does not fit the columns " + header);
    }
    rows.add(List.copyOf(row));
  }

  /** Aligned columns, the first two to the left and the others to the right. */
  public List<String> console() {
    List<String> lines = new ArrayList<>();
    lines.add(aligned(header));
    rows.forEach(row -> lines.add(aligned(row)));
    return lines;
  }

  private String aligned(List<String> row) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      String text = row.get(column);
      String space = " ".repeat(width(column) - text.length());
      line.append(column == 0 ? "" : "  ").append(column == 1 ? text + space : space + text);
    }
    return line.toString().stripTrailing();
  }

  private int width(int column) {
    int width = header.get(column).length();
    for (List<String> row : rows) {
      width = Math.max(width, row.get(column).length());
    }
    return width;
  }

  /** A table of GitHub's Markdown. */
  public List<String> markdown() {
    List<String> lines = new ArrayList<>();
    lines.add(piped(header));
    lines.add("|" + "---|".repeat(header.size()));
    rows.forEach(row -> lines.add(piped(row)));
    return lines;
  }

  private static String piped(List<String> row) {
    return row.stream()
        .map(text -> text.replace("|", "\\|"))
        .collect(Collectors.joining(" | ", "| ", " |"));
  }
}
