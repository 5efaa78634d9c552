package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestEvaluationReport {
  private static final EvaluationReport REPORT = new EvaluationReport(TestQualityPlot.evaluation());

  @Test
  void markdownHasBothTablesAndThePlot() {
    String text = REPORT.markdown(List.of("quality.svg"));
    assertThat(text)
        .contains("| # | depth | kind | accuracy % | to dense | agreement % | errors | front |")
        .contains("| 2 | dllm | adaptive | 85.8 [83.3, 88.3] |")
        .contains("| 8 | unified:keep=0.5833 | unified = 2 |")
        .contains("| prompt cells % | completion cells % |")
        .contains("![accuracy against FLOPs](quality.svg)")
        .doesNotContain("json_valid");
  }

  @Test
  void consoleColumnsAreAligned() {
    List<String> lines = REPORT.console();
    int depth = lines.getFirst().indexOf("depth");
    assertThat(lines.subList(1, 12))
        .allSatisfy(line -> assertThat(line.charAt(depth - 1)).isEqualTo(' '))
        .allSatisfy(line -> assertThat(line.charAt(depth)).isNotEqualTo(' '));
  }

  @Test
  void jsonHasEverythingAndTheLastLineTheShortOfIt() throws IOException {
    JsonNode all = new JsonMapper().readTree(REPORT.json());
    assertThat(all.path("model_fingerprint").asText()).isEqualTo("f".repeat(64));
    assertThat(all.path("seed").asLong()).isEqualTo(1);
    JsonNode dllm = all.path("specs").get(1);
    assertThat(dllm.path("depth").asText()).isEqualTo("dllm");
    assertThat(dllm.path("front").asBoolean()).isTrue();
    assertThat(dllm.path("metrics").path("accuracy").path("value").asDouble()).isEqualTo(0.858);
    assertThat(dllm.path("compute").path("flops_ratio").asDouble()).isEqualTo(0.554);
    assertThat(dllm.path("rate").path("ratio_to_dense").path("shards").asInt()).isEqualTo(4);
    assertThat(all.path("specs").get(7).path("baseline_of").get(0).asText()).isEqualTo("dllm");
    assertThat(REPORT.lastLine()).doesNotContain("\n");
    JsonNode last = new JsonMapper().readTree(REPORT.lastLine());
    assertThat(last.path("status").asText()).isEqualTo("ok");
    assertThat(last.path("specs")).hasSize(11);
    assertThat(last.path("specs").get(1).path("rate_ratio").asDouble()).isEqualTo(1.8051);
  }
}
