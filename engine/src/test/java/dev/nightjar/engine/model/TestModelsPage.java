package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/models.md} says what the tests show: its tables are made of the goldens that {@link
 * TestModelFamilies} compares with and of the list of {@code TestSupportedTypes}. {@code mvn -pl
 * engine test -Dtest=TestModelsPage -Dnightjar.write-docs=true} writes them.
 */
class TestModelsPage {
  private static final String ROOT = "/families";
  private static final Path PAGE = Path.of("..", "docs", "models.md");
  private static final String BEGIN = "<!-- tables: written by TestModelsPage -->\n";
  private static final String END = "<!-- end of the tables -->\n";

  @Test
  void tablesAreUpToDate() throws IOException {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    assertThat(page).contains(BEGIN).contains(END);
    String tables = "\n" + architectures() + "\n" + types() + "\n";
    if (Boolean.getBoolean("nightjar.write-docs")) {
      Files.writeString(PAGE, page.substring(0, begin) + tables + page.substring(end));
      return;
    }
    assertThat(page.substring(begin, end)).as("tables of docs/models.md").isEqualTo(tables);
  }

  private static String architectures() throws IOException {
    StringBuilder table = new StringBuilder();
    table.append("| models | class in `config.json` | `general.architecture` of GGUF |");
    table.append(" Hugging Face folder | GGUF file |\n|---|---|---|---|---|\n");
    for (ModelFamily family : ModelFamily.values()) {
      table.append(
          String.format(
              "| %s | `%s` | `%s` | %s | %s |%n",
              family.models(),
              family.huggingFaceClass(),
              family.ggufArchitecture(),
              shown(family, "hf"),
              shown(family, "gguf")));
    }
    return table.toString();
  }

  private static String shown(ModelFamily family, String format) throws IOException {
    String name = family.name().toLowerCase(Locale.ROOT) + "-" + format;
    if (!GoldenModel.names(ROOT).contains(name)) {
      return "–";
    }
    int tokens = 0;
    for (JsonNode prompt : GoldenModel.read(ROOT, name).path("prompts")) {
      tokens += prompt.path("greedy").size();
    }
    return "logits, " + tokens + " greedy tokens";
  }

  private static String types() throws IOException {
    StringBuilder table = new StringBuilder();
    try (var in = TestModelsPage.class.getResourceAsStream("/supported-types.csv")) {
      List<String> lines = new String(in.readAllBytes()).lines().toList();
      table.append("| type | bits a weight in the file | in memory | GGUF | safetensors |\n");
      table.append("|---|---|---|---|---|\n");
      for (String line : lines.subList(1, lines.size())) {
        String[] cells = line.split(",");
        table.append(
            String.format(
                Locale.ROOT,
                "| %s | %s | %s | %s | %s |%n",
                cells[0],
                Double.valueOf(cells[2]),
                Double.valueOf(cells[3]),
                cells[4],
                cells[5]));
      }
    }
    return table.toString();
  }
}
