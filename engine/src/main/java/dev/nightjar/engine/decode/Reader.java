package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.depth.Reading;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.tokenizer.Sentences;
import dev.nightjar.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/** A row's prompt as it is read, sentence by sentence. Confined to its decoder's thread. */
final class Reader {
  private final Reading reading;
  private final int[] prompt;
  private final int[] ends;
  private final int numLayers;
  private int sentence;

  /** A reading that has not begun. */
  Reader(Reading reading, int[] prompt, int numLayers, Tokenizer tokenizer) {
    this.reading = reading;
    this.prompt = prompt;
    this.ends = Sentences.ends(prompt, reading.minTokens(), tokenizer);
    this.numLayers = numLayers;
  }

  /** Slots of the next step: all that is read by then. */
  int slots() {
    return ends[Math.min(sentence, ends.length - 1)];
  }

  /** Whether the next step ends the reading without a decision. */
  boolean undecided() {
    return sentence == ends.length;
  }

  /** Layers that the tokens read last have run. */
  int depth() {
    return reading.depth(sentence - 1);
  }

  /** Adds the next step's slots. */
  void fill(Step step, SequenceState state) {
    if (undecided()) {
      step.read(state, prompt, prompt.length, numLayers, numLayers);
    } else {
      step.read(state, prompt, slots(), reading.depth(sentence), numLayers);
    }
  }

  /**
   * Judges what was read by the step just run.
   *
   * @param labels of the row, some order of the reading's
   * @return the choice, or null to read on
   */
  Finding.Choice judge(
      Pass pass, int firstSlot, SequenceState state, List<String> labels, LabelTrie trie) {
    float[] mean = new float[pass.model().config().hiddenSize()];
    pass.model().meanResidual(pass.activations(), firstSlot, slots(), mean);
    state.judged(reading.macs(mean.length, slots()));
    float[] logprobs = reading.logprobs(sentence, mean);
    int best = 0;
    for (int i = 1; i < logprobs.length; i++) {
      best = logprobs[i] > logprobs[best] ? i : best;
    }
    boolean sure = reading.sure(sentence, logprobs[best]);
    sentence++;
    if (!sure) {
      return null;
    }
    List<Finding.LabelScore> scores = new ArrayList<>();
    for (int label = 0; label < labels.size(); label++) {
      float logprob = logprobs[reading.labels().indexOf(labels.get(label))];
      double probability = StrictMath.exp(logprob);
      scores.add(
          new Finding.LabelScore(labels.get(label), logprob, trie.length(label), probability));
    }
    return new Finding.Choice(reading.labels().get(best), scores);
  }
}
