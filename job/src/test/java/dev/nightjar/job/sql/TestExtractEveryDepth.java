package dev.nightjar.job.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import dev.nightjar.job.TinyDepths;
import dev.nightjar.job.TinyRuns;
import dev.nightjar.job.demo.MailCorpus;
import dev.nightjar.job.demo.SyntheticMailbox;
import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code llm_extract} over 500 rows: all parse and fit the schema, with every depth policy. */
class TestExtractEveryDepth {
  private static final int ROWS = 500;
  private static final String SCHEMA =
      """
      {"type": "object", "additionalProperties": false, "required": ["ok", "n", "tag", "when"],
       "properties": {
         "ok": {"type": "boolean"},
         "n": {"type": "integer", "minimum": -9, "maximum": 99},
         "tag": {"enum": ["ham", "späm", null, 7]},
         "when": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
         "more": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 3}}}}
      """;
  private static final String RECORD =
      """
      {"type": "object", "additionalProperties": false,
       "required": ["label", "topic", "sender", "date"],
       "properties": {
         "label": {"enum": ["ham", "spam"]},
         "topic": {"enum": ["exmh", "fork", "ilug", "razor", "rpm", "spamassassin",
                            "zzzzteana", "other"]},
         "sender": {"type": "string"},
         "date": {"type": "string", "format": "date"}}}
      """;
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  @TempDir private static Path shared;
  private static SparkSession spark;
  private static List<String> depths;

  @BeforeAll
  static void open() throws IOException {
    Path model = TinyRuns.model(shared.resolve("model"));
    depths = TinyDepths.write(model);
    spark = ModelRows.session(model);
    spark.conf().set("spark.nightjar.engine.batch-size", "32");
    spark.sql(
        "CREATE TEMP VIEW t AS SELECT id, concat('row ', id, repeat(' and more', id % 3)) AS p"
            + " FROM range(0, "
            + ROWS
            + ", 1, 2)");
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  @Test
  void everyAnswerFitsWithEveryDepthPolicy() throws JsonProcessingException {
    for (String depth : depths) {
      Set<String> different = fitting(depth, SCHEMA, "p", "t", "max_tokens => 100");
      assertThat(different).as(depth).hasSizeGreaterThan(ROWS / 5);
    }
  }

  /** The embedded model on 500 mails under the schema of its answers, with its own artefacts. */
  @Test
  @Tag("slow")
  void everyAnswerOfTheEmbeddedModelFits() throws JsonProcessingException {
    List<Row> mails = new ArrayList<>();
    for (MailCorpus.Mail mail : SyntheticMailbox.synthetic(ROWS, 3)) {
      mails.add(RowFactory.create((long) mails.size(), mail.content()));
    }
    spark
        .createDataFrame(mails, StructType.fromDDL("id BIGINT, content STRING"))
        .repartition(2)
        .createOrReplaceTempView("mails");
    for (String depth :
        List.of(
            "full",
            "dllm",
            "dllm:budget=0.5",
            "dllm+exit:layers=8+10,threshold=0.99",
            "static:artefact=static",
            "random:artefact=random",
            "unified:keep=0.5",
            "exit:threshold=0.9",
            "layerskip:exit=6,length=4")) {
      fitting(depth, RECORD, "content", "mails", "max_tokens => 96, model => 'embedded'");
    }
  }

  /** Runs all rows, half of them greedily, checks each, and gives back the texts. */
  private static Set<String> fitting(
      String depth, String schema, String prompt, String table, String options)
      throws JsonProcessingException {
    String call =
        "SELECT r.text, r.error FROM (SELECT llm_extract(%s, '%s', depth => '%s', %s,"
            + " temperature => %d) AS r FROM %s WHERE id %% 2 = %d)";
    String oneLine = schema.replace('\n', ' ');
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      String sql = call.formatted(prompt, oneLine, depth, options, 2 * i, table, i);
      rows.addAll(spark.sql(sql).collectAsList());
    }
    assertThat(rows).as(depth).hasSize(ROWS);
    JsonSchema validator = validator(schema);
    Set<String> different = new TreeSet<>();
    for (Row row : rows) {
      assertThat(row.isNullAt(1)).as("%s: %s", depth, row).isTrue();
      String text = row.getString(0);
      assertThat(validator.validate(MAPPER.readTree(text))).as("%s: %s", depth, text).isEmpty();
      different.add(text);
    }
    return different;
  }

  private static JsonSchema validator(String schema) throws JsonProcessingException {
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(MAPPER.readTree(schema), config);
  }

  @Test
  void noPolicyIsForgotten() {
    Set<String> names =
        depths.stream()
            .flatMap(depth -> List.of(depth.split("\\+(?=[a-z])")).stream())
            .map(policy -> policy.split(":")[0])
            .collect(Collectors.toCollection(TreeSet::new));
    assertThatThrownBy(() -> spark.sql("SELECT llm_generate(p, depth => 'none') FROM t").collect())
        .hasMessageContaining("expected one of " + names);
  }
}
