package dev.nightjar.engine.tokenizer.template;

import java.time.LocalDateTime;
import java.util.Optional;

/**
 * What a template may use up, and what it takes for the present.
 *
 * @param now what strftime_now formats; without it the function is undefined, so that rendering is
 *     reproducible
 * @param maxOutput most chars of output, and of any string made on the way
 * @param maxSteps most steps of the interpreter, besides {@value #STEPS_PER_CHAR} per char of the
 *     variables
 * @param maxDepth deepest nesting of macro calls
 */
public record TemplateOptions(
    Optional<LocalDateTime> now, int maxOutput, long maxSteps, int maxDepth) {
  /** 16 Mi chars, a million steps, 100 nested calls, no clock. */
  public static final TemplateOptions DEFAULT =
      new TemplateOptions(Optional.empty(), 16 << 20, 1_000_000, 100);

  static final int STEPS_PER_CHAR = 16;

  /** The same with another present. */
  public TemplateOptions withNow(LocalDateTime present) {
    return new TemplateOptions(Optional.of(present), maxOutput, maxSteps, maxDepth);
  }
}
