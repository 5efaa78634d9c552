package dev.nightjar.job.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Runs llama.cpp in a process of its own, so that its threads, its memory and its crashes are not
 * ours. Takes one command per line and answers each with one line: {@code run BATCH PROMPT STEPS}
 * with the nanoseconds of the prompts and of the steps, {@code top ID ...} with the likeliest next
 * token and its logit.
 */
final class LlamaCppServer {
  /** Lets llama.cpp choose. */
  static final String AUTO = "auto";

  private final LlamaCpp library;
  private final int vocabSize;
  private LlamaCpp.Context context;
  private List<Integer> shape = List.of();

  private LlamaCppServer(LlamaCpp library, int vocabSize) {
    this.library = library;
    this.vocabSize = vocabSize;
  }

  /**
   * Serves until the input ends.
   *
   * @param args folder of the libraries; processor that the CPU library is for, or {@link #AUTO};
   *     model file; threads; vocabulary size
   */
  public static void main(String[] args) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Path folder = Path.of(args[0]);
    Optional<Path> backend =
        args[1].equals(AUTO)
            ? Optional.empty()
            : Optional.of(folder.resolve("libggml-cpu-" + args[1] + ".so"));
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      LlamaCpp library = new LlamaCpp(folder, backend, Path.of(args[2]), Integer.parseInt(args[3]));
      LlamaCppServer server = new LlamaCppServer(library, Integer.parseInt(args[4]));
      out.println("ok " + library.systemInfo().strip().replace('\n', ' '));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        out.println("ok " + server.answer(line.split(" ")));
      }
    } catch (IOException e) {
      out.println("error " + e.getMessage());
    }
  }

  private String answer(String[] command) throws IOException {
    int[] numbers = Arrays.stream(command, 1, command.length).mapToInt(Integer::parseInt).toArray();
    return command[0].equals("top") ? top(numbers) : run(numbers[0], numbers[1], numbers[2]);
  }

  private void open(int sequences, int positions) throws IOException {
    List<Integer> wanted = List.of(sequences, positions);
    if (!wanted.equals(shape)) {
      if (context != null) {
        context.close();
      }
      context = library.new Context(sequences, positions);
      shape = wanted;
    }
    context.forget();
    context.batch().clear();
  }

  private String top(int[] tokens) throws IOException {
    open(1, tokens.length);
    for (int i = 0; i < tokens.length; i++) {
      context.batch().add(0, i, tokens[i], i == tokens.length - 1);
    }
    context.run();
    MemorySegment logits = context.logits(tokens.length - 1, vocabSize);
    int best = 0;
    for (int id = 1; id < vocabSize; id++) {
      if (logit(logits, id) > logit(logits, best)) {
        best = id;
      }
    }
    return best + " " + logit(logits, best);
  }

  private static float logit(MemorySegment logits, int id) {
    return logits.getAtIndex(ValueLayout.JAVA_FLOAT, id);
  }

  /** All prompts, then steps of one token per sequence; tokens are random, nothing is sampled. */
  private String run(int sequences, int prompt, int steps) throws IOException {
    open(sequences, prompt + steps);
    LlamaBatch batch = context.batch();
    int[][] tokens = new int[sequences][];
    for (int i = 0; i < sequences; i++) {
      tokens[i] =
          EngineRun.randomTokens(vocabSize, prompt + steps, i).stream()
              .mapToInt(Integer::intValue)
              .toArray();
    }
    long start = System.nanoTime();
    for (int i = 0; i < sequences; i++) {
      for (int position = 0; position < prompt; position++) {
        batch.add(i, position, tokens[i][position], position == prompt - 1);
        if (batch.full()) {
          context.run();
          batch.clear();
        }
      }
    }
    if (batch.size() > 0) {
      context.run();
    }
    long middle = System.nanoTime();
    for (int position = prompt; position < prompt + steps; position++) {
      batch.clear();
      for (int i = 0; i < sequences; i++) {
        batch.add(i, position, tokens[i][position], true);
      }
      context.run();
    }
    return (middle - start) + " " + (System.nanoTime() - middle);
  }
}
