package dev.nightjar.udfs;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * Reads prompts and keys of rows exactly as {@link NightjarInference} does, for jobs that drive an
 * engine themselves. Confined to one thread.
 */
public final class RowPrompts {
  private final PromptReader reader;
  private final int keyColumn;
  private final RequestHash hash = new RequestHash();
  private final InferenceOptions options;
  private final Task task;
  private final String answerOptions;

  /**
   * Binds the options to the rows' schema.
   *
   * @throws EngineException when columns are missing or of the wrong type
   */
  public RowPrompts(InferenceOptions options, StructType schema) {
    this.reader = PromptReader.bind(options, schema);
    this.keyColumn =
        options.keyColumn() == null ? -1 : PromptReader.indexOf(schema, options.keyColumn());
    this.options = options;
    this.task = options.task();
    this.answerOptions = options.answerJson();
  }

  /** The row's request: prompt, key and what is done with it; never throws for its content. */
  public GenerationRequest request(Row row) {
    Optional<GenerationRequest> own = reader.request(row);
    if (own.isPresent()) {
      return own.get();
    }
    Prompt prompt = reader.read(row);
    return new GenerationRequest(key(row, prompt), prompt, task);
  }

  /** The row's prompt; never throws for its content. */
  public Prompt prompt(Row row) {
    return reader.read(row);
  }

  /** The row's key: its key column, or without one a hash of the prompt. */
  public String key(Row row, Prompt prompt) {
    Object given = keyColumn < 0 ? null : row.get(keyColumn);
    return given == null ? hash.ofPrompt(prompt) : given.toString();
  }

  /** A hash of the prompt: 64 hexadecimal digits. */
  public String promptHash(Prompt prompt) {
    return hash.ofPrompt(prompt);
  }

  /** The {@code request_hash} of the row's result: equal for rows that get the same answer. */
  public String requestHash(GenerationRequest request, String modelFingerprint) {
    boolean random =
        request.task() instanceof Task.Generate(SamplingParams sampling) && !sampling.isGreedy();
    String answer =
        request.task().equals(task) ? answerOptions : options.answerJson(request.task());
    return hash.ofRequest(request.prompt(), random ? request.key() : "", answer, modelFingerprint);
  }
}
