package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.util.TaskCompletionListener;

/** Rows with the number of tokens of their prompts; null for a prompt that cannot be encoded. */
final class TokenCounts implements Iterator<EvaluatePartition.Evaluated> {
  private final Iterator<EvaluatePartition.Item> items;
  private final RequestReader reader;
  private final ErrorMode errorMode;
  private final PromptEncoder encoder;

  /** Borrows the engine until the task ends. */
  TokenCounts(
      Iterator<EvaluatePartition.Item> items, RequestReader reader, InferenceOptions options) {
    this.items = items;
    this.reader = reader;
    this.errorMode = options.errorMode();
    ExecutorEngines.Lease lease = ExecutorEngines.acquire(options.model(), options.engine());
    TaskCompletionListener giveBack = context -> lease.close();
    TaskContext.get().addTaskCompletionListener(giveBack);
    this.encoder = lease.engine().encoder();
  }

  @Override
  public boolean hasNext() {
    return items.hasNext();
  }

  @Override
  public EvaluatePartition.Evaluated next() {
    EvaluatePartition.Item item = items.next();
    return new EvaluatePartition.Evaluated(item.row(), count(reader.prompt(item)));
  }

  private Object count(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Missing _ -> null;
      case Prompt.Invalid invalid ->
          failed(new EngineException(invalid.error().code(), invalid.error().message()));
      case Prompt.Text _, Prompt.Messages _, Prompt.TokenIds _ -> encode(prompt);
    };
  }

  private Object encode(Prompt prompt) {
    try {
      return encoder.encode(prompt).length;
    } catch (EngineException e) {
      return failed(e);
    }
  }

  private Object failed(EngineException e) {
    if (errorMode == ErrorMode.FAIL_FAST) {
      throw e;
    }
    return null;
  }
}
