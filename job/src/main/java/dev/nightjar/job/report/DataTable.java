package dev.nightjar.job.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A table: the numbers behind a chart, or on its own. The first column names the row; the others
 * are numbers unless said otherwise.
 */
final class DataTable {
  private final List<String> header;
  private final List<List<String>> rows = new ArrayList<>();
  private int firstText = Integer.MAX_VALUE;

  DataTable(String... header) {
    this.header = List.of(header);
  }

  DataTable(List<String> header) {
    this.header = List.copyOf(header);
  }

  /** Says that the columns from this one on are texts. */
  DataTable textFrom(int column) {
    firstText = column;
    return this;
  }

  /** Adds a row. */
  DataTable row(String... cells) {
    return row(List.of(cells));
  }

  /** Adds a row. */
  DataTable row(List<String> cells) {
    if (cells.size() != header.size()) {
      throw new IllegalArgumentException(cells + " does not fit " + header);
    }
    rows.add(List.copyOf(cells));
    return this;
  }

  /** Whether it has no row. */
  boolean isEmpty() {
    return rows.isEmpty();
  }

  /** Writes it; wide tables scroll. */
  void write(Markup out) {
    out.open("div", "class", "scroll").open("table").open("thead").open("tr");
    for (int i = 0; i < header.size(); i++) {
      out.leaf("th", header.get(i), "scope", "col", "class", style(i));
    }
    out.close().close().open("tbody");
    for (List<String> row : rows) {
      out.open("tr").leaf("th", row.getFirst(), "scope", "row");
      for (int i = 1; i < row.size(); i++) {
        out.leaf("td", row.get(i), "class", style(i));
      }
      out.close();
    }
    out.close().close().close();
  }

  private String style(int column) {
    return column < firstText ? "number" : "text";
  }

  /** Writes it where readers open it when they want it. */
  void writeFolded(Markup out) {
    out.open("details").leaf("summary", "Numbers");
    write(out);
    out.close();
  }
}
