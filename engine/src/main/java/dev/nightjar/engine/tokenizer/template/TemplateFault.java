package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;

/** Makes the exceptions of this package. */
final class TemplateFault {
  private TemplateFault() {}

  static EngineException at(int line, String message) {
    return new EngineException(
        ErrorCode.TEMPLATE_ERROR, "chat template, line " + line + ": " + message);
  }
}
