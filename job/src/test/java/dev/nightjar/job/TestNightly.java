package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.File;
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

  /** Loads a DAG with the parameters that Airflow's DAG and SparkSubmitOperator have. */
  private static final String AIRFLOW =
      """
      import json, runpy, sys, types

      found = {}

      class DAG:
          def __init__(self, dag_id, *, schedule, start_date, catchup, max_active_runs,
                       default_args):
              found["dag"] = dict(
                  schedule=schedule, catchup=catchup, max_active_runs=max_active_runs)

          def __enter__(self):
              return self

          def __exit__(self, *error):
              return False

      class SparkSubmitOperator:
          def __init__(self, *, task_id, application="", conf=None, conn_id="spark_default",
                       files=None, jars=None, java_class=None, packages=None,
                       total_executor_cores=None, executor_cores=None, executor_memory=None,
                       driver_memory=None, name="", num_executors=None, application_args=None,
                       env_vars=None, deploy_mode=None):
              assert "task" not in found and application and conn_id
              found["task"] = dict(
                  conf=conf, java_class=java_class, application_args=application_args)

      path = "airflow.providers.apache.spark.operators.spark_submit"
      parts = path.split(".")
      for end in range(1, len(parts) + 1):
          sys.modules[".".join(parts[:end])] = types.ModuleType(".".join(parts[:end]))
      sys.modules["airflow"].DAG = DAG
      sys.modules[path].SparkSubmitOperator = SparkSubmitOperator
      runpy.run_path(sys.argv[1])
      print(json.dumps(found))
      """;

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

  /** With the script where it is here; needs systemd's own tool. */
  @Test
  void systemdAcceptsTheUnits() throws IOException {
    assumeTrue(isOnPath("systemd-analyze"), "systemd-analyze is on the path");
    String service = Files.readString(CONF.resolve("nightjar.service"));
    Files.writeString(
        folder.resolve("nightjar.service"), service.replace("/opt/nightjar", ROOT.toString()));
    Files.copy(CONF.resolve("nightjar.timer"), folder.resolve("nightjar.timer"));
    for (String unit : List.of("nightjar.service", "nightjar.timer")) {
      Result result =
          start(new ProcessBuilder("systemd-analyze", "verify", folder.resolve(unit).toString()));
      assertThat(result.err()).as(unit).isEmpty();
      assertThat(result.exitCode()).as(unit).isZero();
    }
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
    checkFields(root, "apiVersion kind metadata spec");
    checkFields(
        spec,
        "schedule template suspend concurrencyPolicy successfulRunHistoryLimit"
            + " failedRunHistoryLimit");
    checkFields(
        template,
        "type sparkVersion mode image imagePullPolicy imagePullSecrets mainClass"
            + " mainApplicationFile arguments sparkConf hadoopConf volumes driver executor deps"
            + " restartPolicy nodeSelector monitoring timeToLiveSeconds dynamicAllocation");
    JsonNode restart = template.path("restartPolicy");
    assertThat(restart.path("type").asText()).isIn("Never", "Always", "OnFailure");
    List<String> retries =
        List.of(
            "onFailureRetries",
            "onFailureRetryInterval",
            "onSubmissionFailureRetries",
            "onSubmissionFailureRetryInterval");
    checkFields(restart, "type " + String.join(" ", retries));
    retries.forEach(name -> assertThat(restart.path(name).isInt()).as(name).isTrue());
    for (String part : List.of("driver", "executor")) {
      checkFields(
          template.path(part),
          "cores coreLimit coreRequest memory memoryOverhead env volumeMounts serviceAccount"
              + " javaOptions tolerations nodeSelector"
              + (part.equals("executor") ? " instances" : ""));
      assertThat(template.path(part).path("cores").isInt()).isTrue();
      assertThat(template.path(part).path("memory").asText()).matches("[0-9]+[mg]");
    }
  }

  /**
   * Runs the file with stand-ins that have the parameters of Airflow's classes; Airflow itself is
   * not here.
   */
  @Test
  void airflowDagSubmitsTheJob() throws IOException {
    assumeTrue(isOnPath("python3"), "python3 is on the path");
    Path standIns = Files.writeString(folder.resolve("load.py"), AIRFLOW);
    Result result =
        start(
            new ProcessBuilder(
                "python3", standIns.toString(), CONF.resolve("airflow_dag.py").toString()));
    assertThat(result.err()).isEmpty();
    JsonNode loaded = new YAMLMapper().readTree(result.out());
    JsonNode dag = loaded.path("dag");
    checkSchedule(dag.path("schedule").asText());
    assertThat(dag.path("max_active_runs").asInt()).isEqualTo(1);
    assertThat(dag.path("catchup").asBoolean(true)).isFalse();
    JsonNode task = loaded.path("task");
    assertThat(task.path("java_class").asText()).isEqualTo(BatchInferenceJob.class.getName());
    task.path("conf").forEach(value -> assertThat(value.isTextual()).isTrue());
    List<String> arguments = new ArrayList<>();
    task.path("application_args")
        .forEach(argument -> arguments.add(argument.asText().replace("{{ ds }}", "2026-01-31")));
    checkFlags(arguments);
  }

  /** Names that the operator's resource has at this place (its v1beta2), those of use here. */
  private static void checkFields(JsonNode object, String names) {
    object
        .properties()
        .forEach(field -> assertThat(field.getKey()).isIn((Object[]) names.split(" ")));
  }

  private static boolean isOnPath(String program) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(entry -> Files.isExecutable(Path.of(entry, program)));
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
    ProcessBuilder builder =
        new ProcessBuilder(
            ROOT.resolve("scripts/nightly").toString(), config.toString(), "--stop-after", "5h");
    builder.environment().put("NIGHTJAR_COMMAND", command.toString());
    builder.environment().put("NIGHTJAR_LOG_DIR", folder.resolve("logs").toString());
    return start(builder);
  }

  private Result start(ProcessBuilder builder) throws IOException {
    Path out = folder.resolve("out.txt");
    Path err = folder.resolve("err.txt");
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    int exitCode = builder.start().onExit().join().exitValue();
    return new Result(exitCode, Files.readString(out), Files.readString(err));
  }
}
