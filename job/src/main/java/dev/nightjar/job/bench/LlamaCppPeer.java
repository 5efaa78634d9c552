package dev.nightjar.job.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** A process that runs llama.cpp over one model, idle between commands. */
final class LlamaCppPeer implements AutoCloseable {
  private final String name;
  private final Path log;
  private final Process process;
  private final BufferedReader in;
  private final BufferedWriter out;
  private final String systemInfo;
  private boolean failed;

  /** The likeliest next token and its logit. */
  record Top(int token, float logit) {}

  /**
   * Starts the process and waits for it to load the model.
   *
   * @param backend processor that the CPU library is for, or {@link LlamaCppServer#AUTO}
   */
  LlamaCppPeer(Path libraries, String backend, Path model, int threads, int vocabSize)
      throws IOException {
    this.name = "llama.cpp (" + backend + ")";
    this.log = Files.createTempFile("nightjar-llama.cpp-", ".log");
    this.process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                LlamaCppServer.class.getName(),
                libraries.toAbsolutePath().toString(),
                backend,
                model.toAbsolutePath().toString(),
                String.valueOf(threads),
                String.valueOf(vocabSize))
            .redirectError(log.toFile())
            .start();
    this.in = process.inputReader(StandardCharsets.UTF_8);
    this.out = process.outputWriter(StandardCharsets.UTF_8);
    this.systemInfo = read();
  }

  String name() {
    return name;
  }

  /** What llama.cpp says of itself. */
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
