package dev.nightjar.job;

import dev.nightjar.udfs.LlmFunctions;
import dev.nightjar.udfs.ResultViews;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code nightjar sql}: a Spark SQL prompt on result tables. */
@Command(
    name = "sql",
    description = "Spark SQL on the demo's tables, or on tables that --view names.",
    mixinStandardHelpOptions = true,
    exitCodeOnInvalidInput = RunCommand.FAILED)
final class SqlCommand implements Callable<Integer> {
  @Option(names = "-e", paramLabel = "SQL", description = "Run these statements and exit.")
  private String statements;

  @Option(names = "-f", paramLabel = "FILE", description = "Run the statements of a file and exit.")
  private Path file;

  @Option(
      names = "--folder",
      defaultValue = ".nightjar/demo",
      description = "The demo's folder; each table in it is a view (default: ${DEFAULT-VALUE}).")
  private Path folder;

  @Option(
      names = "--view",
      paramLabel = "NAME=PATH",
      description = "A Parquet folder to be known as a view; may be repeated.")
  private Map<String, String> views = new LinkedHashMap<>();

  @Option(names = "--rows", defaultValue = "100", description = "Rows to show at most.")
  private int rows;

  @Option(
      names = "--width",
      defaultValue = "60",
      description = "Characters of a column to show at most; 0 shows all.")
  private int width;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (statements != null && file != null) {
      throw new ParameterException(spec.commandLine(), "-e and -f: expected one of them");
    }
    SparkSession spark = SparkSessions.open("nightjar sql", Map.of());
    try {
      LlmFunctions.register(spark);
      List<String> known = register(spark);
      if (statements != null) {
        return runAll(spark, statements);
      }
      if (file != null) {
        return runAll(spark, Files.readString(file));
      }
      return prompt(spark, known);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      spark.stop();
    }
  }

  private List<String> register(SparkSession spark) throws IOException {
    Map<String, String> all = new TreeMap<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> tables = Files.list(folder)) {
        tables
            .filter(table -> Files.exists(table.resolve("_SUCCESS")))
            .forEach(table -> all.put(table.getFileName().toString(), table.toString()));
      }
    }
    all.putAll(views);
    List<Dataset<Row>> results = new ArrayList<>();
    all.forEach((name, path) -> {
      Dataset<Row> table = spark.read().parquet(path);
      table.createOrReplaceTempView(name);
      if (ResultViews.isResultTable(table)) {
        results.add(table);
      }
    });
    List<String> known = new ArrayList<>(all.keySet());
    if (!results.isEmpty()) {
      ResultViews.register(results);
      known.addAll(List.of(ResultViews.RUNS, ResultViews.ERRORS));
    }
    return List.copyOf(known);
  }

  private int prompt(SparkSession spark, List<String> known) throws IOException {
    boolean interactive =
        Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    if (interactive) {
      System.out.println(
          known.isEmpty()
              ? "No tables yet: run the demo first, or name one with --view name=path."
              : "Tables: " + String.join(", ", known) + ". Statements end with ';', quit ends.");
    }
    SqlStatements splitter = new SqlStatements();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    int exitCode = RunCommand.OK;
    while (true) {
      if (interactive) {
        System.out.print(splitter.isEmpty() ? "sql> " : "   > ");
        System.out.flush();
      }
      String line = in.readLine();
      if (line == null || (splitter.isEmpty() && isQuit(line))) {
        return line == null && !splitter.isEmpty()
            ? Math.max(exitCode, runAll(spark, splitter.rest()))
            : exitCode;
      }
      for (String statement : splitter.add(line + "\n")) {
        exitCode = Math.max(exitCode, execute(spark, statement));
      }
      exitCode = interactive ? RunCommand.OK : exitCode;
    }
  }

  private static boolean isQuit(String line) {
    String word = line.strip().replaceAll(";$", "");
    return word.equalsIgnoreCase("quit") || word.equalsIgnoreCase("exit");
  }

  private int runAll(SparkSession spark, String text) {
    SqlStatements splitter = new SqlStatements();
    for (String statement : splitter.add(text + "\n;")) {
      if (execute(spark, statement) != RunCommand.OK) {
        return RunCommand.FAILED;
      }
    }
    return RunCommand.OK;
  }

  private int execute(SparkSession spark, String statement) {
    Optional<Throwable> failure =
        Attempt.of(() -> {
          Dataset<Row> result = spark.sql(statement);
          if (result.columns().length > 0) {
            result.show(rows, width);
          }
        });
    failure.ifPresent(e -> System.err.println("error: " + Failures.message(e)));
    return failure.isPresent() ? RunCommand.FAILED : RunCommand.OK;
  }
}
