package dev.nightjar.job.report;

import dev.nightjar.udfs.RowDepth;
import dev.nightjar.udfs.RowDepth.TokenDepth;
import java.util.List;
import java.util.Locale;

/** A row's tokens, each on the colour of its depth. */
record TokenStrip(RowDepth row, int numLayers) {
  private static final int KEY_CHARS = 120;

  /** Writes the row. */
  void write(Markup out) {
    out.leaf(
        "h3",
        String.format(
            Locale.ROOT,
            "%s: %.2f layers per token, %,.1f ms",
            Figures.shorten(row.key(), KEY_CHARS),
            row.meanLayers(),
            row.cpuMillis()));
    part(out, "prompt", row.prompt(), row.promptTokens());
    part(out, "answer", row.completion(), row.completionTokens());
  }

  private void part(Markup out, String name, List<TokenDepth> tokens, int count) {
    if (tokens.isEmpty()) {
      return;
    }
    out.leaf("p", name + ", " + Figures.count(count) + " tokens", "class", "soft");
    out.open("div", "class", "tokens", "role", "group", "aria-label", name + " tokens by depth");
    int next = 0;
    for (TokenDepth token : tokens) {
      if (token.index() > next) {
        out.leaf(
            "span", " … " + Figures.count(token.index() - next) + " tokens … ", "class", "none");
      }
      token(out, token);
      next = token.index() + 1;
    }
    if (count > next) {
      out.leaf("span", " … " + Figures.count(count - next) + " tokens", "class", "none");
    }
    out.close();
  }

  private void token(Markup out, TokenDepth token) {
    String text = visible(token.text());
    if (token.layers() == RowDepth.UNKNOWN) {
      out.leaf("span", text, "class", "none", "title", "computed for another row");
      return;
    }
    String style = HeatChart.level((double) token.layers() / numLayers);
    out.leaf(
        "span", text, "class", style, "title", token.layers() + " of " + numLayers + " layers");
  }

  private static String visible(String text) {
    return text.isEmpty() ? "␣" : text.replace("\r", "␍").replace("\n", "↵\n");
  }
}
