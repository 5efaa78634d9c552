package dev.nightjar.engine.constraint;

import dev.nightjar.engine.tokenizer.TextAssembler;
import java.util.Random;

/** Writes texts under a constraint as a model without any sense would. */
final class RandomWriter {
  private final ListedTokens tokenizer;
  private final Random random;

  /** How long the last text took. */
  int tokens;

  RandomWriter(ListedTokens tokenizer, Random random) {
    this.tokenizer = tokenizer;
    this.random = random;
  }

  /** A text of at most {@code maxTokens} tokens, which may end without an end token. */
  String write(Constraint constraint, int maxTokens) {
    ConstrainedText text = constraint.newText();
    TextAssembler assembler = new TextAssembler(tokenizer);
    float[] logits = new float[tokenizer.vocabSize()];
    tokens = 0;
    while (tokens < maxTokens && !text.complete()) {
      TokenSet next = text.next(maxTokens - tokens);
      if (next == null) {
        break;
      }
      for (int i = 0; i < logits.length; i++) {
        logits[i] = random.nextFloat();
      }
      int token = next.argmax(logits, 0);
      tokens++;
      if (token == tokenizer.end()) {
        break;
      }
      text.add(token);
      assembler.add(token);
    }
    assembler.finish();
    return assembler.text();
  }
}
