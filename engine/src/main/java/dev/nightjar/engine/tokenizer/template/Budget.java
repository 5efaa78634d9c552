package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.api.EngineException;

/** What one rendering may still use up, and where it is. */
final class Budget {
  private static final int CHARS_PER_STEP = 16;

  private final TemplateOptions options;
  private final long maxSteps;
  private long stepsLeft;
  private int depth;
  private int line = 1;

  Budget(TemplateOptions options, long variableChars) {
    this.options = options;
    this.maxSteps = options.maxSteps() + TemplateOptions.STEPS_PER_CHAR * variableChars;
    this.stepsLeft = maxSteps;
  }

  /** One step of the interpreter, at this line. */
  void step(int atLine) {
    line = atLine;
    spend(1);
  }

  void spend(long steps) {
    stepsLeft -= steps;
    if (stepsLeft < 0) {
      throw fault("rendering takes more than " + maxSteps + " steps; simplify the template");
    }
  }

  /** Pays for a string that is about to be made. */
  void spendChars(long chars) {
    checkLength(chars);
    spend(chars / CHARS_PER_STEP);
  }

  void checkLength(long chars) {
    if (chars > options.maxOutput()) {
      throw fault("the output is longer than " + options.maxOutput() + " characters");
    }
  }

  void enterCall() {
    if (++depth > options.maxDepth()) {
      throw fault("macros are nested more than " + options.maxDepth() + " deep");
    }
  }

  void leaveCall() {
    depth--;
  }

  int line() {
    return line;
  }

  EngineException fault(String message) {
    return TemplateFault.at(line, message);
  }
}
