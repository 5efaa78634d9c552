package dev.nightjar.engine.decode;

import dev.nightjar.engine.depth.Drafting;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.Step;
import java.util.ArrayList;
import java.util.List;

/**
 * Drafts for the rows of a decoder and accepts what verification confirms. Rows draft together, a
 * token each per pass; their rounds end where they must, and the next step of the decoder verifies
 * all of them beside its other slots. A row's next token always comes from its own sampler on the
 * whole model's logits; a draft only decides how many of them one step can yield.
 *
 * <p>Confined to one thread.
 */
final class Speculation {
  private final LlamaModel model;
  private final Drafting drafting;
  private final Kernels kernels;
  private final Activations activations;
  private final int vocabSize;
  private final int[] eosTokenIds;
  private final Step step = new Step();
  private final List<Generation> drafts = new ArrayList<>();

  Speculation(LlamaModel model, Kernels kernels, Activations activations) {
    this.model = model;
    this.drafting = model.policy().drafting();
    this.kernels = kernels;
    this.activations = activations;
    this.vocabSize = model.config().vocabSize();
    this.eosTokenIds = model.config().eosTokenIds().stream().mapToInt(Integer::intValue).toArray();
  }

  /** Lets a row draft, if its tokens are chosen so that a draft can be right. */
  void admit(Generation sequence) {
    if (sequence.greedy()) {
      sequence.draft = new Draft(drafting.drafter(sequence.state.row()), drafting.maxLength());
    }
  }

  /** Runs the drafts of a round, if few enough rows generate. */
  void draft(List<Sequence> running) {
    int generating = 0;
    for (int i = 0; i < running.size(); i++) {
      generating += running.get(i).prefilling() ? 0 : 1;
    }
    if (generating > drafting.maxRows()) {
      return;
    }
    for (int i = 0; i < running.size(); i++) {
      if (running.get(i) instanceof Generation row
          && !row.prefilling()
          && row.draft != null
          && row.beginDraft()) {
        drafts.add(row);
      }
    }
    while (!drafts.isEmpty()) {
      step.clear();
      for (int i = 0; i < drafts.size(); i++) {
        drafts.get(i).draft.add(step, drafts.get(i).state);
      }
      model.draft(step, activations);
      int going = 0;
      for (int i = 0; i < drafts.size(); i++) {
        Draft draft = drafts.get(i).draft;
        if (draft.take(activations.logits(), i * vocabSize, vocabSize, kernels, eosTokenIds)) {
          drafts.set(going++, drafts.get(i));
        }
      }
      while (drafts.size() > going) {
        drafts.removeLast();
      }
    }
  }

  /**
   * Takes the tokens of a round just verified.
   *
   * @param row row of the round's first logits
   * @return rows of logits that belong to the round
   */
  int accept(Generation sequence, int row) {
    Draft draft = sequence.draft;
    float[] logits = activations.logits();
    int produced = 0;
    int right = 0;
    boolean agrees = true;
    while (agrees && !sequence.finished()) {
      sequence.accept(logits, (row + produced) * vocabSize, vocabSize, kernels);
      int token = sequence.tokenAt(draft.first() + produced + 1);
      produced++;
      agrees = produced <= draft.drafted() && draft.tokens[produced] == token;
      right += agrees ? 1 : 0;
      draft.tokens[produced] = token;
    }
    sequence.advance(produced);
    sequence.state.accept(draft.first(), produced, draft.drafted(), right);
    draft.drafter.verified(draft.drafted(), right);
    if (draft.watched()) {
      for (int exit = 0; exit < draft.drafter.watched().length; exit++) {
        int hits = model.matches(sequence.state, exit, draft.tokens, 1, produced, activations);
        draft.drafter.shadowed(exit, hits, produced);
      }
    }
    draft.close();
    return draft.drafted() + 1;
  }
}
