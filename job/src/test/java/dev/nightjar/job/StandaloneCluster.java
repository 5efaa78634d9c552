package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.sql.SparkSession;

/**
 * A standalone Master and two Workers as child processes on loopback, from the jars of this JVM's
 * class path. All processes, executors included, end with {@link #close()}.
 */
final class StandaloneCluster implements AutoCloseable {
  private static final long SUBMIT_TIMEOUT_SECONDS = 600;
  private static final String LOOPBACK = "127.0.0.1";

  private final Path home;
  private final int port;
  private final Path applicationJar;
  private final List<Process> processes = new ArrayList<>();
  private int drivers;

  private StandaloneCluster(Path home) throws IOException {
    this.home = home;
    this.applicationJar = home.resolve("nightjar-app.jar");
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(LOOPBACK))) {
      this.port = socket.getLocalPort();
    }
  }

  /** A cluster whose Workers have one core each. */
  static StandaloneCluster start(Path home) throws IOException {
    return start(home, 1);
  }

  /**
   * Starts the processes; registration goes on while this returns.
   *
   * @param cores that each Worker gives away, whether the machine has them or not
   */
  static StandaloneCluster start(Path home, int cores) throws IOException {
    StandaloneCluster cluster = new StandaloneCluster(home);
    cluster.layOut();
    cluster.launch(
        "master",
        LOOPBACK,
        List.of(
            "org.apache.spark.deploy.master.Master",
            "--host",
            LOOPBACK,
            "--port",
            String.valueOf(cluster.port),
            "--webui-port",
            "0"));
    for (String host : List.of(LOOPBACK, secondHost())) {
      String name = "worker-" + cluster.processes.size();
      cluster.launch(
          name,
          host,
          List.of(
              "org.apache.spark.deploy.worker.Worker",
              "--host",
              host,
              "--webui-port",
              "0",
              "--cores",
              String.valueOf(cores),
              "--memory",
              "1g",
              "--work-dir",
              home.resolve(name).toString(),
              cluster.masterUrl()));
    }
    return cluster;
  }

  private String masterUrl() {
    return "spark://" + LOOPBACK + ":" + port;
  }

  /** A second loopback address where the system has one, so that Spark sees two hosts. */
  private static String secondHost() {
    String host = "127.0.0.2";
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      return socket.isBound() ? host : LOOPBACK;
    } catch (IOException e) {
      return LOOPBACK;
    }
  }

  /**
   * Runs a main class of the application jar through SparkSubmit; its standard output once it has
   * ended well.
   */
  String submit(String mainClass, List<String> arguments) throws IOException {
    Driver driver = start(mainClass, Map.of(), arguments);
    assertThat(driver.exitCode()).as("exit code; log:%n%s", driver.log()).isZero();
    return driver.out();
  }

  /** Starts a main class of the application jar through SparkSubmit. */
  Driver start(String mainClass, Map<String, String> properties, List<String> arguments)
      throws IOException {
    Map<String, String> all = applicationProperties();
    all.putAll(properties);
    List<String> command = new ArrayList<>();
    command.addAll(List.of("org.apache.spark.deploy.SparkSubmit", "--class", mainClass));
    all.forEach((key, value) -> command.addAll(List.of("--conf", key + "=" + value)));
    command.add(applicationJar.toString());
    command.addAll(arguments);
    String name = "driver-" + ++drivers;
    return new Driver(launch(name, LOOPBACK, command), name);
  }

  /** A session in this JVM with executors of the cluster; stop it. */
  SparkSession session(Map<String, String> properties) {
    Map<String, String> all = applicationProperties();
    all.put("spark.jars", applicationJar.toString());
    all.putAll(properties);
    return SparkSessions.open("test", all);
  }

  /** The same with one executor on each worker that takes what the Worker has, up to two cores. */
  SparkSession sessionOfWholeWorkers() {
    Map<String, String> all = applicationProperties();
    all.remove("spark.executor.cores");
    all.put("spark.cores.max", "4");
    return SparkSessions.open("test", all);
  }

  /**
   * An application of one executor of one core on each worker, which waits for both and lets no
   * task wait for the executor that has its rows: short runs would end before the other joins.
   */
  private Map<String, String> applicationProperties() {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put("spark.master", masterUrl());
    properties.put("spark.executor.memory", "512m");
    properties.put("spark.executor.cores", "1");
    properties.put("spark.cores.max", "2");
    properties.put("spark.scheduler.minRegisteredResourcesRatio", "1.0");
    properties.put("spark.scheduler.maxRegisteredResourcesWaitingTime", "120s");
    properties.put("spark.locality.wait", "0s");
    properties.put("spark.driver.host", LOOPBACK);
    properties.put("spark.ui.enabled", "false");
    return properties;
  }

  /** All that a driver and an executor need besides Spark. */
  Path applicationJar() {
    return applicationJar;
  }

  /** The executors that run now. */
  List<ProcessHandle> executors() {
    return processes.stream()
        .flatMap(Process::children)
        .filter(child -> child.info().commandLine().orElse("").contains("ExecutorBackend"))
        .toList();
  }

  /** A driver process. */
  final class Driver {
    private final Process process;
    private final String name;

    private Driver(Process process, String name) {
      this.process = process;
      this.name = name;
    }

    boolean isAlive() {
      return process.isAlive();
    }

    ProcessHandle process() {
      return process.toHandle();
    }

    /** As {@code kill -9} does. */
    void kill() {
      process.destroyForcibly().onExit().join();
    }

    /** The exit code, once it has ended. */
    int exitCode() throws IOException {
      try {
        boolean ended = process.waitFor(SUBMIT_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        assertThat(ended)
            .as("driver ended within %s s; its log:%n%s", SUBMIT_TIMEOUT_SECONDS, log())
            .isTrue();
        return process.exitValue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }

    String out() throws IOException {
      return Files.readString(home.resolve(name + ".out"));
    }

    String log() throws IOException {
      return Files.readString(home.resolve(name + ".err"));
    }
  }

  private Process launch(String name, String host, List<String> mainAndArguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.addAll(List.of("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", home.resolve("jars") + File.separator + "*"));
    command.addAll(mainAndArguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(home.toFile())
            .redirectOutput(home.resolve(name + ".out").toFile())
            .redirectError(home.resolve(name + ".err").toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(key -> key.startsWith("SPARK_"));
    environment.put("SPARK_HOME", home.toString());
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("SPARK_LOCAL_IP", host);
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  /**
   * Makes {@code jars/} of links to the class path's jars, and the application jar of its folders.
   */
  private void layOut() throws IOException {
    Path jars = Files.createDirectories(home.resolve("jars"));
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    try (OutputStream file = Files.newOutputStream(applicationJar);
        ZipOutputStream zip = new ZipOutputStream(file)) {
      Set<String> names = new HashSet<>();
      for (String entry : path.split(File.pathSeparator)) {
        Path element = Path.of(entry).toAbsolutePath();
        if (Files.isDirectory(element)) {
          addClasses(element, zip, names);
        } else if (entry.endsWith(".jar") && Files.exists(element)) {
          Path link = jars.resolve(element.getFileName());
          if (!Files.exists(link)) {
            Files.createSymbolicLink(link, element);
          }
        }
      }
    }
  }

  private static void addClasses(Path folder, ZipOutputStream zip, Set<String> names)
      throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files = all.filter(file -> file.toString().endsWith(".class")).toList();
    }
    for (Path file : files) {
      String name = folder.relativize(file).toString().replace(File.separatorChar, '/');
      if (names.add(name)) {
        zip.putNextEntry(new ZipEntry(name));
        Files.copy(file, zip);
        zip.closeEntry();
      }
    }
  }

  @Override
  public void close() throws IOException {
    for (Process process : processes) {
      List<ProcessHandle> children = process.descendants().toList();
      process.destroyForcibly();
      children.forEach(ProcessHandle::destroyForcibly);
    }
    for (Process process : processes) {
      process.onExit().join();
    }
    try (Stream<Path> links = Files.list(home.resolve("jars"))) {
      for (Path link : links.toList()) {
        Files.delete(link);
      }
    }
  }
}
