package dev.nightjar.job.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** A process that runs another engine over one model, idle between commands. */
final class PeerProcess implements AutoCloseable {
  private final String name;
  private final boolean batches;
  private final Path log;
  private final Process process;
  private final BufferedReader in;
  private final BufferedWriter out;
  private final String systemInfo;
  private boolean failed;

  /** The likeliest next token and its logit. */
  record Top(int token, float logit) {}

  private PeerProcess(String name, boolean batches, List<String> command) throws IOException {
    this.name = name;
    this.batches = batches;
    this.log = Files.createTempFile("nightjar-peer-", ".log");
    this.process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    this.in = process.inputReader(StandardCharsets.UTF_8);
    this.out = process.outputWriter(StandardCharsets.UTF_8);
    this.systemInfo = read();
  }

  /**
   * Starts llama.cpp and waits for it to load the model.
   *
   * @param backend processor that the CPU library is for, or {@link LlamaCppServer#AUTO}
   */
  static PeerProcess llamaCpp(
      Path libraries, String backend, Path model, int threads, int vocabSize) throws IOException {
    return new PeerProcess(
        "llama.cpp (" + backend + ")",
        true,
        List.of(
            java(),
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            LlamaCppServer.class.getName(),
            libraries.toAbsolutePath().toString(),
            backend,
            model.toAbsolutePath().toString(),
            String.valueOf(threads),
            String.valueOf(vocabSize)));
  }

  /**
   * Starts Jlama and waits for it to load the model.
   *
   * @param libraries its jars and what they need
   * @param model a Hugging Face folder
   */
  static PeerProcess jlama(Path libraries, Path model, int threads) throws IOException {
    String classPath = libraries.resolve("*") + File.pathSeparator + ownClasses();
    return new PeerProcess(
        "Jlama " + JlamaPackage.VERSION,
        false,
        List.of(
            java(),
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx3g",
            "-cp",
            classPath,
            JlamaServer.class.getName(),
            model.toAbsolutePath().toString(),
            String.valueOf(threads)));
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** Where this class was loaded from: Jlama must not find our libraries' versions first. */
  private static String ownClasses() {
    CodeSource source = PeerProcess.class.getProtectionDomain().getCodeSource();
    return Path.of(URI.create(Objects.toString(source.getLocation()))).toString();
  }

  /** Whether it runs several sequences at once. */
  boolean batches() {
    return batches;
  }

  String name() {
    return name;
  }

  /** What the engine says of itself. */
  String systemInfo() {
    return systemInfo;
  }

  /** Prompts, then steps, of several sequences at once. */
  EngineRun.Cost run(int batch, int promptTokens, int steps) {
    try {
      String[] nanos = ask("run " + batch + " " + promptTokens + " " + steps).split(" ");
      return new EngineRun.Cost(
          (long) batch * promptTokens,
          Double.parseDouble(nanos[0]),
          (long) batch * steps,
          Double.parseDouble(nanos[1]),
          0,
          0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The likeliest token after these. */
  Top top(List<Integer> tokens) throws IOException {
    String ids = tokens.stream().map(String::valueOf).collect(Collectors.joining(" "));
    String[] answer = ask("top " + ids).split(" ");
    return new Top(Integer.parseInt(answer[0]), Float.parseFloat(answer[1]));
  }

  private String ask(String command) throws IOException {
    out.write(command);
    out.newLine();
    out.flush();
    return read();
  }

  private String read() throws IOException {
    String line = in.readLine();
    if (line == null || !line.startsWith("ok ")) {
      failed = true;
      process.destroy();
      throw new IOException(
          name + ": " + (line == null ? "the process ended" : line) + "; see " + log);
    }
    return line.substring(3);
  }

  @Override
  public void close() {
    process.destroy();
    if (!failed) {
      log.toFile().delete();
    }
  }
}
