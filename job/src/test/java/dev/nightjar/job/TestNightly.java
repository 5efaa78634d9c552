package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The script and the schedules of nightly runs. */
class TestNightly {
  private static final Path ROOT = TestConfigurationDoc.projectRoot();
  private static final Path CONF = ROOT.resolve("conf/nightly");
  private static final Pattern FIVE_FIELDS = Pattern.compile("(\\S+ ){4}\\S+");

  @TempDir private Path folder;

  @Test
  void exitCodeAndLastLineAreTheJobs() throws IOException {
    for (int code : new int[] {0, 1, 2}) {
      Result result = nightly("echo progress >&2; echo \"$*\"; echo '{\"status\"}'; exit " + code);
      assertThat(result.exitCode()).isEqualTo(code);
      assertThat(result.out()).isEqualTo("{\"status\"}\n");
    }
    try (Stream<Path> logs = Files.list(folder.resolve("logs"))) {
      Path log = logs.filter(file -> file.toString().endsWith(".log")).findFirst().orElseThrow();
      assertThat(log)
          .content()
          .contains("progress")
          .contains("run --config " + folder.resolve("job.yaml").toRealPath() + " --stop-after 5h");
    }
  }

  @Test
  void aRunThatIsStillGoingIsNotDoubled() throws IOException {
    Path logs = Files.createDirectories(folder.resolve("logs"));
    String lock = logs.resolve("job.lock").toString();
    Process holder =
        new ProcessBuilder("flock", lock, "sh", "-c", "echo held; cat")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(holder.inputReader().readLine()).isEqualTo("held");
      Result result = nightly("exit 0");
      assertThat(result.exitCode()).isEqualTo(75);
      assertThat(result.err()).contains("the last run of job is still going");
    } finally {
      holder.outputWriter().close();
      holder.onExit().join();
    }
    assertThat(nightly("exit 0").exitCode()).isZero();
  }

  @Test
  void aMissingConfigurationIsUsage() throws IOException {
    Process process =
        new ProcessBuilder(ROOT.resolve("scripts/nightly").toString(), "no-such.yaml").start();
    assertThat(process.onExit().join().exitValue()).isEqualTo(64);
  }

  @Test
  void cronLineIsValid() throws IOException {
    List<String> lines =
        Files.readAllLines(CONF.resolve("nightjar.cron")).stream()
            .filter(line -> !line.startsWith("#") && !line.startsWith("MAILTO"))
            .toList();
    assertThat(lines).hasSize(1);
    String[] fields = lines.getFirst().split(" ");
    checkSchedule(String.join(" ", Arrays.copyOf(fields, 5)));
    assertThat(fields[5]).isEqualTo("nightjar");
    checkScript(Arrays.asList(fields).subList(6, fields.length));
  }

  @Test
  void systemdUnitsAreValid() throws IOException {
    String service = Files.readString(CONF.resolve("nightjar.service"));
    String timer = Files.readString(CONF.resolve("nightjar.timer"));
    assertThat(service).contains("[Unit]", "[Service]", "Type=oneshot");
    assertThat(timer).contains("[Timer]", "OnCalendar=*-*-* 01:15:00", "[Install]");
    for (String unit : List.of(service, timer)) {
      assertThat(unit.lines())
          .allMatch(line -> line.matches("|#.*|\\[[A-Z][a-z]+]|[A-Z][A-Za-z]+=\\S.*"));
    }
    Matcher command = Pattern.compile("(?m)^ExecStart=(.*)$").matcher(service);
    assertThat(command.find()).isTrue();
    checkScript(List.of(command.group(1).split(" ")));
  }

  @Test
  void kubernetesApplicationIsValid() throws IOException {
    JsonNode root =
        new YAMLMapper()
            .readTree(Files.readString(CONF.resolve("scheduled-spark-application.yaml")));
    assertThat(root.path("apiVersion").asText()).isEqualTo("sparkoperator.k8s.io/v1beta2");
    assertThat(root.path("kind").asText()).isEqualTo("ScheduledSparkApplication");
    JsonNode spec = root.path("spec");
    checkSchedule(spec.path("schedule").asText());
    assertThat(spec.path("concurrencyPolicy").asText()).isEqualTo("Forbid");
    JsonNode template = spec.path("template");
    assertThat(template.path("type").asText()).isEqualTo("Java");
    assertThat(template.path("mainClass").asText()).isEqualTo(BatchInferenceJob.class.getName());
    assertThat(template.path("sparkVersion").asText()).startsWith("4.2.");
    List<String> arguments = new ArrayList<>();
    template
        .path("arguments")
        .forEach(argument -> {
          assertThat(argument.isTextual()).as("argument %s is a string", argument).isTrue();
          arguments.add(argument.asText());
        });
    checkFlags(arguments);
    template
        .path("sparkConf")
        .forEach(value -> assertThat(value.isTextual()).as("%s is a string", value).isTrue());
    for (String part : List.of("driver", "executor")) {
      assertThat(template.path(part).path("cores").isInt()).isTrue();
      assertThat(template.path(part).path("memory").asText()).matches("[0-9]+[mg]");
    }
  }

  /** The operator's arguments are read from the text: Airflow is not here to load it. */
  @Test
  void airflowDagSubmitsTheJob() throws IOException {
    String dag = Files.readString(CONF.resolve("airflow_dag.py"));
    assertThat(dag)
        .contains("SparkSubmitOperator(")
        .contains("java_class=\"" + BatchInferenceJob.class.getName() + "\"")
        .contains("max_active_runs=1");
    Matcher schedule = Pattern.compile("schedule=\"([^\"]*)\"").matcher(dag);
    assertThat(schedule.find()).isTrue();
    checkSchedule(schedule.group(1));
    Matcher block = Pattern.compile("(?s)application_args=\\[(.*?)]").matcher(dag);
    assertThat(block.find()).isTrue();
    List<String> arguments = new ArrayList<>();
    Matcher text = Pattern.compile("\"([^\"]*)\"").matcher(block.group(1));
    while (text.find()) {
      arguments.add(text.group(1).replace("{{ ds }}", "2026-01-31"));
    }
    checkFlags(arguments);
  }

  private static void checkSchedule(String schedule) {
    assertThat(schedule).matches(FIVE_FIELDS).matches("[0-9*/, -]+");
  }

  /** Script, configuration, flags. */
  private static void checkScript(List<String> command) {
    assertThat(command.getFirst()).endsWith("/scripts/nightly");
    List<String> flags = new ArrayList<>(List.of("--config"));
    flags.addAll(command.subList(1, command.size()));
    checkFlags(flags);
  }

  /** Whether the job takes these flags and the values are good. */
  private static void checkFlags(List<String> arguments) {
    CommandLine command = RunCommand.commandLine("run");
    CommandLine.ParseResult parsed = command.parseArgs(arguments.toArray(new String[0]));
    String config = parsed.matchedOptionValue("--config", Path.of("")).toString();
    Path sample = ROOT.resolve("conf").resolve(Path.of(config).getFileName());
    assertThat(sample).exists();
    JobFlags.config(
        Optional.of(sample), JobFlags.arguments(command.getCommandSpec(), key -> true, List.of()));
  }

  private record Result(int exitCode, String out, String err) {}

  private Result nightly(String job) throws IOException {
    Path command = folder.resolve("command");
    Files.writeString(command, "#!/bin/sh\n" + job + "\n");
    assertThat(command.toFile().setExecutable(true)).isTrue();
    Path config = Files.writeString(folder.resolve("job.yaml"), "model: embedded\n");
    Path out = folder.resolve("out.txt");
    Path err = folder.resolve("err.txt");
    ProcessBuilder builder =
        new ProcessBuilder(
                ROOT.resolve("scripts/nightly").toString(), config.toString(), "--stop-after", "5h")
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().put("NIGHTJAR_COMMAND", command.toString());
    builder.environment().put("NIGHTJAR_LOG_DIR", folder.resolve("logs").toString());
    int exitCode = builder.start().onExit().join().exitValue();
    return new Result(exitCode, Files.readString(out), Files.readString(err));
  }
}
