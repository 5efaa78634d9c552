package dev.nightjar.job;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code nightjar tokenize}: prompts and completions as token ids, the rows that training reads.
 */
@Command(
    name = "tokenize",
    description = "Turn prompts and completions into token ids, one JSON object per line.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    exitCodeOnInvalidInput = RunCommand.FAILED)
final class TokenizeCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Mixin private ModelOptions model;

  @Option(
      names = "--prompts",
      required = true,
      description =
          "JSON lines with \"prompt\" or \"messages\", and optionally \"completion\" and"
              + " \"custom_id\".")
  private Path prompts;

  @Option(
      names = "--raw",
      description = "Give the prompt to the tokenizer as it is, without the chat template.")
  private boolean raw;

  @Override
  public Integer call() {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    try (LlmEngine engine = model.load();
        BufferedReader reader = Files.newBufferedReader(prompts)) {
      PromptLines lines = new PromptLines(engine, reader, raw);
      while (lines.hasNext()) {
        out.println(JSON.writeValueAsString(json(engine, lines.next())));
      }
      return RunCommand.OK;
    } catch (IOException | UncheckedIOException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          prompts + " cannot be read as UTF-8 JSON lines: " + e.getMessage(),
          e);
    }
  }

  private static ObjectNode json(LlmEngine engine, PromptLines.Line line) {
    ObjectNode node = JSON.createObjectNode();
    node.put("custom_id", line.key());
    switch (line.prompt()) {
      case Prompt.Missing() -> node.put("error", "there is no prompt");
      case Prompt.Invalid(var error) -> node.put("error", error.message());
      case Prompt prompt -> {
        try {
          add(node.putArray("prompt_ids"), engine.encoder().encode(prompt));
        } catch (EngineException e) {
          node.put("error", e.getMessage());
          return node;
        }
        line.completion().ifPresent(text -> completion(engine, text, node));
      }
    }
    return node;
  }

  /** The text's tokens and the end of the text, as the model would generate them. */
  private static void completion(LlmEngine engine, String text, ObjectNode node) {
    ArrayNode ids = node.putArray("completion_ids");
    add(ids, engine.encoder().encode(new Prompt.Text(text)));
    int bos = engine.encoder().tokenizer().bosToAdd();
    if (bos >= 0 && !ids.isEmpty() && ids.get(0).asInt() == bos) {
      ids.remove(0);
    }
    List<Integer> ends = engine.modelConfig().eosTokenIds();
    if (!ends.isEmpty()) {
      ids.add(ends.getFirst());
    }
  }

  private static void add(ArrayNode out, int[] ids) {
    for (int id : ids) {
      out.add(id);
    }
  }
}
