package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class TestFunctionOptions {
  private static final Pattern OPTION =
      Pattern.compile("\\(spark\\.nightjar\\.([a-z.-]+)\\)(?: = (\\S+))?");

  @Test
  void sessionKeysAndDefaultsAreThoseOfTheJob() {
    SparkSession spark = JobRuns.session("local[1]");
    try {
      String text =
          spark.sql("DESCRIBE FUNCTION EXTENDED llm_generate").collectAsList().stream()
              .map(Row::toString)
              .collect(Collectors.joining("\n"));
      Map<String, String> found = new TreeMap<>();
      for (MatchResult match : OPTION.matcher(text).results().toList()) {
        found.put(match.group(1), String.valueOf(match.group(2)));
      }
      Map<String, String> expected = new TreeMap<>();
      for (ConfigKey<?> key : ConfigKeys.all()) {
        if (found.containsKey(key.name())) {
          String byDefault = key.defaultText().orElse("null");
          expected.put(key.name(), byDefault.equals("[]") ? "null" : byDefault);
        }
      }
      assertThat(found).isEqualTo(expected).hasSizeGreaterThan(20);
    } finally {
      spark.stop();
    }
  }
}
