package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestConfigurationDoc {
  private static final Path PAGE = projectRoot().resolve("docs/configuration.md");

  @Test
  void pageListsExactlyTheKeysOfTheCode() throws IOException {
    List<String> expected = new ArrayList<>();
    ConfigKeys.all().forEach(key -> expected.add(row(key)));
    ConfigKeys.PREFIXES.forEach(key -> expected.add(row(key)));
    List<String> found =
        Files.readString(PAGE).lines().filter(line -> line.startsWith("| `")).toList();
    assertThat(found)
        .as("rows of the tables in %s; the code's are%n%s", PAGE, String.join("\n", expected))
        .containsExactlyElementsOf(expected);
  }

  @Test
  void everyKeyIsNamedByTheRules() {
    for (ConfigKey<?> key : ConfigKeys.all()) {
      assertThat(key.name()).matches("[a-z]+(-[a-z]+)*(\\.[a-z]+(-[a-z]+)*)?");
      assertThat(key.doc()).as(key.name()).doesNotEndWith(".").isNotBlank();
    }
    assertThat(ConfigKeys.all()).extracting(ConfigKey::name).doesNotHaveDuplicates();
    assertThat(ConfigKeys.all().stream().flatMap(key -> key.flag().stream()))
        .doesNotHaveDuplicates();
  }

  private static String row(ConfigKey<?> key) {
    return "| `%s` | %s | %s | %s | %s |"
        .formatted(
            key.name(),
            code(key.flag()),
            code(key.defaultText()),
            key.kind(),
            key.doc().replace("|", "\\|"));
  }

  private static String code(Optional<String> text) {
    return text.map(t -> "`" + t + "`").orElse("");
  }

  /** The folder with {@code conf} and {@code docs}, above the module that the tests run in. */
  static Path projectRoot() {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.isDirectory(folder.resolve("conf"))) {
      folder = folder.getParent();
    }
    assertThat(folder).as("a folder with conf above " + Path.of("").toAbsolutePath()).isNotNull();
    return folder;
  }
}
