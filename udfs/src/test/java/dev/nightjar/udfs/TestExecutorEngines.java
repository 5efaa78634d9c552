package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import java.io.IOException;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One engine per JVM, with the cores of a task. */
class TestExecutorEngines {
  @ParameterizedTest
  @CsvSource({"0,2,2", "3,2,3", "1,2,1"})
  void coresLeftOpenAreThoseOfTheTask(int asked, int taskCpus, int expected) throws IOException {
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.task.cpus", taskCpus)
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate()) {
      EngineConfig config =
          EngineConfig.DEFAULT.withHost(new EngineConfig.Host(asked, EngineConfig.Host.AUTO));
      MapPartitionsFunction<Long, Integer> cores =
          rows ->
              List.of(ExecutorEngines.withCores(config, TaskContext.get()).host().parallelism())
                  .iterator();
      assertThat(spark.range(1).mapPartitions(cores, Encoders.INT()).collectAsList())
          .isNotEmpty()
          .containsOnly(expected);
    }
  }

  @Test
  void outsideOfATaskItIsOneCore() {
    assertThat(ExecutorEngines.withCores(EngineConfig.DEFAULT, null).host().parallelism())
        .isEqualTo(1);
  }

  @Test
  void sameModelAndConfigurationIsLoadedOnce() {
    long before = ExecutorEngines.loads();
    try (ExecutorEngines.Lease first =
            ExecutorEngines.acquire(ExecutorEngines.EMBEDDED, EngineConfig.DEFAULT);
        ExecutorEngines.Lease second =
            ExecutorEngines.acquire(
                ExecutorEngines.EMBEDDED,
                EngineConfig.DEFAULT.withHost(new EngineConfig.Host(1, EngineConfig.Host.AUTO)))) {
      assertThat(second.engine()).isSameAs(first.engine());
    }
    assertThat(ExecutorEngines.loads()).isEqualTo(before + 1);
    ExecutorEngines.closeIdle();
  }
}
