package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.job.quality.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Metrics against rows scored by hand. */
class TestMetrics {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(100, 0.9, 1);

  @Test
  void exactMatchMindsAllButWhiteSpaceAround() {
    Task task = new Task.Exact("gold");
    List<Answer> answers =
        List.of(
            answer(1, "yes", "yes"),
            answer(2, " yes\n", "yes"),
            answer(3, "Yes", "yes"),
            answer(4, "yes", (String) null));
    assertThat(values(task, answers, answers))
        .containsExactly("exact_match=0.5", "json_valid=0.0", "agreement=1.0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {"spam|1", "Spam.|1", "` \"SPAM\" `|1", "'spam'.|1", "spam mail|0", "ham|0"})
  void labelsMindNeitherCaseNorQuotesNorFullStop(String answer, double score) {
    Task task = new Task.Label("gold");
    assertThat(task.score(answer, Task.parse(answer), List.of("spam"))).containsExactly(score);
  }

  @Test
  void jsonFieldsAreComparedOneByOne() {
    Task task = new Task.JsonFields(List.of("label", "count", "note"));
    List<Answer> answers =
        List.of(
            answer(1, "{\"label\":\"a\",\"count\":3,\"note\":null}", "a", "3", null),
            answer(2, "{\"label\":\"a\",\"count\":4}", "a", "3", null),
            answer(3, "{\"label\":\"b\",\"count\":3,\"note\":\"x\"} trailing", "b", "3", "x"),
            answer(4, "{\"label\":\"b\",\"label\":\"b\"}", "b", null, null),
            answer(5, "[\"label\"]", "b", null, null));
    assertThat(values(task, answers, answers))
        .containsExactly(
            "all_fields=0.2",
            "label=0.4",
            "count=0.2",
            "note=0.4",
            "json_valid=0.4",
            "agreement=1.0");
  }

  @Test
  void agreementComparesTextsWithTheDenseRun() {
    List<Answer> dense =
        List.of(answer(1, "a"), answer(2, "b"), answer(3, "c"), error(4), answer(5, "e"));
    List<Answer> answers =
        List.of(answer(1, "a"), answer(2, "B"), answer(3, "c "), error(4), error(5));
    assertThat(values(new Task.Agreement(), answers, dense))
        .containsExactly("json_valid=0.0", "agreement=0.4");
    Metric agreement = new Metrics(new Task.Agreement(), BOOTSTRAP).of(answers, dense).getLast();
    assertThat(agreement.difference().estimate()).isEqualTo(-0.6);
  }

  @Test
  void differenceToDenseIsThatOfTheScores() {
    Task task = new Task.Exact("gold");
    List<Answer> dense = List.of(answer(1, "x", "x"), answer(2, "y", "x"), answer(3, "x", "x"));
    List<Answer> answers = List.of(answer(1, "x", "x"), answer(2, "x", "x"), answer(3, "x", "x"));
    Metric exact = new Metrics(task, BOOTSTRAP).of(answers, dense).getFirst();
    assertThat(exact.value().estimate()).isEqualTo(1);
    assertThat(exact.difference().estimate()).isEqualTo(1.0 / 3);
  }

  @Test
  void errorsAreWrongAndRowsWithoutPromptAreLeftOut() {
    Task task = new Task.Exact("gold");
    List<Answer> answers =
        List.of(answer(1, "x", "x"), error(2, "x"), row(3, "skipped_null", null, "x"));
    assertThat(values(task, answers, answers).getFirst()).isEqualTo("exact_match=0.5");
    assertThat(RowCounts.of(answers)).isEqualTo(new RowCounts(2, 1, 1));
  }

  @Test
  void rowsMustBeThoseOfTheDenseRun() {
    Metrics metrics = new Metrics(new Task.Agreement(), BOOTSTRAP);
    List<Answer> dense = List.of(answer(1, "a"));
    assertThatThrownBy(() -> metrics.of(List.of(answer(2, "a")), dense))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> metrics.of(List.of(), dense))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void cellsAreToldForPromptAndCompletionApart() {
    ComputeSums one = new ComputeSums(4, 6, 8, 10, 40, 2, 3, 11, 2, 60, 100, 5, 20);
    ComputeSums both = one.plus(one).plus(ComputeSums.NONE);
    assertThat(both.promptShare()).isEqualTo(0.25);
    assertThat(both.completionShare()).isEqualTo(0.75);
    assertThat(both.attentionLayers()).isEqualTo(4 * 14 / 48.0);
    assertThat(both.feedForwardLayers()).isEqualTo(4 * 13 / 48.0);
    assertThat(both.flopsRatio()).isEqualTo(0.6);
    assertThat(both.kvRatio()).isEqualTo(0.25);
    assertThat(ComputeSums.NONE.flopsRatio()).isZero();
  }

  @Test
  void ratesAreComparedWithinAShardAndAProcess() {
    List<Pair> dense =
        List.of(pair(0, 10, "a"), pair(1, 20, "a"), pair(2, 10, "a"), pair(3, 10, "b"));
    List<Pair> other = List.of(pair(0, 5, "a"), pair(1, 5, "a"), pair(2, 4, "a"), pair(3, 1, "a"));
    assertThat(RateRatio.of(other, dense)).contains(new RateRatio(2.5, 2, 4, 3));
    assertThat(RateRatio.of(List.of(pair(3, 1, "a")), dense)).isEmpty();
  }

  private static Pair pair(int shard, double seconds, String session) {
    return new Pair("x", "id", shard, 100, seconds, session);
  }

  private static List<String> values(Task task, List<Answer> answers, List<Answer> dense) {
    return new Metrics(task, BOOTSTRAP)
        .of(answers, dense).stream()
            .map(metric -> metric.name() + "=" + metric.value().estimate())
            .toList();
  }

  private static Answer answer(long row, String text, String... gold) {
    return row(row, "ok", text, gold);
  }

  private static Answer error(long row, String... gold) {
    return row(row, "error", null, gold);
  }

  private static Answer row(long row, String status, String text, String... gold) {
    List<String> values = new ArrayList<>(Arrays.asList(gold));
    return new Answer(row, status, text, values, ComputeSums.NONE, 1);
  }
}
