package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.job.TinyRuns;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TestInputShards {
  private static SparkSession spark;

  @BeforeAll
  static void open() {
    spark = TinyRuns.session("local[2]");
  }

  @AfterAll
  static void close() {
    spark.stop();
  }

  @Test
  void aRowIsInTheSameShardHoweverTheInputIsCut() {
    Dataset<Row> input = spark.sql("SELECT id, concat('text ', id) AS body FROM range(40)");
    InputShards one = InputShards.of(input.coalesce(1), "id", 3);
    InputShards many =
        InputShards.of(input.orderBy(input.col("id").desc()).repartition(7), "id", 3);
    assertThat(places(many)).isEqualTo(places(one)).hasSize(40);
    assertThat(many.sha256()).isEqualTo(one.sha256());
    assertThat(many.numRows()).isEqualTo(40);
    assertThat(one.shards()).hasSize(3).allSatisfy(s -> assertThat(s.numRows()).isPositive());
    InputShards other = InputShards.of(input.where("id > 0"), "id", 3);
    assertThat(other.sha256()).isNotEqualTo(one.sha256());
  }

  @Test
  void repeatedKeysAndRowsHaveNumbersOfTheirOwn() {
    Dataset<Row> input = spark.sql("SELECT 1 AS id, CAST(id % 3 AS STRING) AS body FROM range(9)");
    InputShards shards = InputShards.of(input, "id", 4);
    assertThat(shards.shards()).hasSize(1);
    List<Row> rows = shards.shards().getFirst().rows().collectAsList();
    assertThat(rows.stream().map(row -> row.<Long>getAs(InputShards.ROW)).distinct()).hasSize(9);
    InputShards byRow = InputShards.of(input, null, 4);
    assertThat(byRow.numRows()).isEqualTo(9);
  }

  @Test
  void noRowsAndTakenNamesAreFaults() {
    Dataset<Row> empty = spark.sql("SELECT id FROM range(0)");
    assertThatThrownBy(() -> InputShards.of(empty, "id", 2))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("the input has no rows");
    Dataset<Row> taken = spark.sql("SELECT id, 1 AS Evaluation_Row FROM range(2)");
    assertThatThrownBy(() -> InputShards.of(taken, "id", 2))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("'Evaluation_Row'");
  }

  /** Shard and number by id. */
  private static Map<Long, List<Long>> places(InputShards shards) {
    Map<Long, List<Long>> places = new TreeMap<>();
    for (InputShards.Shard shard : shards.shards()) {
      for (Row row : shard.tasks(5).collectAsList()) {
        List<Long> place = new ArrayList<>();
        place.add((long) shard.number());
        place.add(row.getAs(InputShards.ROW));
        places.put(row.getAs("id"), place);
      }
    }
    return places;
  }
}
