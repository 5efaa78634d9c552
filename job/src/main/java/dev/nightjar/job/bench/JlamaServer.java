package dev.nightjar.job.bench;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;

/**
 * Runs Jlama in a process of its own, by reflection, with its own versions of everything. Takes the
 * commands of {@link LlamaCppServer} that begin with {@code run}, for one sequence. Weights stay as
 * they are in the file, activations are quantised to eight bits where Jlama can.
 */
final class JlamaServer {
  private static final String PACKAGE = "com.github.tjake.jlama.";

  private final Object model;
  private final Method generate;
  private final Method prompt;

  private JlamaServer(File folder, int threads) throws ReflectiveOperationException {
    Class<?> type = Class.forName(PACKAGE + "safetensors.DType");
    Class<?> context = Class.forName(PACKAGE + "safetensors.prompt.PromptContext");
    this.model =
        Class.forName(PACKAGE + "model.ModelSupport")
            .getMethod(
                "loadModel", File.class, File.class, type, type, Optional.class, Optional.class)
            .invoke(
                null,
                folder,
                null,
                type.getField("F32").get(null),
                type.getField("I8").get(null),
                Optional.empty(),
                Optional.of(threads));
    this.prompt = context.getMethod("of", String.class);
    this.generate =
        Class.forName(PACKAGE + "model.functions.Generator")
            .getMethod("generate", UUID.class, context, float.class, int.class, BiConsumer.class);
  }

  /**
   * Serves until the input ends.
   *
   * @param args folder of the model; threads
   */
  public static void main(String[] args) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      JlamaServer server = new JlamaServer(new File(args[0]), Integer.parseInt(args[1]));
      out.println(
          "ok weights BF16, activations I8 where the width allows, Java " + Runtime.version());
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] words = line.split(" ");
        out.println("ok " + server.run(Integer.parseInt(words[2]), Integer.parseInt(words[3])));
      }
    } catch (ReflectiveOperationException e) {
      out.println("error " + (e.getCause() == null ? e : e.getCause()));
    }
    // Its pools have threads that keep a process alive.
    System.exit(0);
  }

  /** One sequence; every letter is a token. Milliseconds are all that Jlama tells. */
  private String run(int promptTokens, int steps) throws ReflectiveOperationException {
    BiConsumer<String, Float> listener = (text, time) -> {};
    Object response =
        generate.invoke(
            model,
            UUID.randomUUID(),
            prompt.invoke(null, "x".repeat(promptTokens)),
            0f,
            promptTokens + steps + 1,
            listener);
    double prefilled = number(response, "promptTokens") / number(response, "promptTimeMs");
    double generated = number(response, "generatedTokens") / number(response, "generateTimeMs");
    return Math.round(promptTokens * 1e6 / prefilled) + " " + Math.round(steps * 1e6 / generated);
  }

  private static double number(Object response, String field) throws ReflectiveOperationException {
    return Math.max(1, ((Number) response.getClass().getField(field).get(response)).doubleValue());
  }
}
