package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.api.Usage;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A row that scores given answers. Its prompt runs once, and so does every node of the answers'
 * trie that has children: on a fork of its parent's sequence, as a generated token would. Confined
 * to its decoder's thread.
 */
final class Choosing extends Sequence {
  private final LabelTrie trie;
  private final Limits limits;

  /** {@code [nodes]} log-probability of a node's token behind its parent. */
  private final float[] logprobs;

  private final ArrayDeque<Branch> waiting = new ArrayDeque<>();
  private final List<Branch> next = new ArrayList<>();
  private final List<SequenceState> forks = new ArrayList<>();
  private final Reader reader;
  private Finding.Choice decided;
  private int nextSlots;
  private int scored;
  private boolean abandoned;

  /**
   * What a step may hold of a row.
   *
   * @param slots most slots behind the prompt, at least 1: bounds logits and forks, whatever the
   *     labels
   * @param inRuns whether they may follow each other in the same sequence
   */
  record Limits(int slots, boolean inRuns) {}

  /** Nodes that run one after another, from one whose parent has run. */
  private static final class Branch {
    private final int first;
    private final int depth;
    private final Parent parent;
    private SequenceState sequence;
    private int length = 1;

    Branch(int first, int depth, Parent parent) {
      this.first = first;
      this.depth = depth;
      this.parent = parent;
    }
  }

  /** A sequence that ends at a node, until the last of the node's children takes it over. */
  private static final class Parent {
    private final SequenceState sequence;
    private int takers;

    Parent(SequenceState sequence, int takers) {
      this.sequence = sequence;
      this.takers = takers;
    }
  }

  /**
   * A row of which nothing is computed yet.
   *
   * @param reader reads the prompt; null if it is computed like any other
   */
  Choosing(
      GenerationRequest request,
      LabelTrie trie,
      Limits limits,
      Reader reader,
      int[] prompt,
      SequenceState state,
      long reservedKvBytes,
      long nowNanos) {
    super(request, prompt, state, reservedKvBytes, nowNanos);
    this.trie = trie;
    this.limits = limits;
    this.reader = reader;
    this.logprobs = new float[trie.size()];
  }

  /** Most sequences beside its own that a row with these answers holds at once. */
  static long maxForks(LabelTrie trie, Limits limits) {
    return Math.min(trie.innerNodes(), (long) limits.slots() * trie.depth());
  }

  @Override
  boolean finished() {
    return abandoned || decided != null || (scored > 0 && next.isEmpty());
  }

  private boolean reads() {
    return reader != null && prefilling();
  }

  @Override
  int pending() {
    return reads() ? reader.slots() : super.pending();
  }

  @Override
  void fill(Step step, int slots) {
    if (reads()) {
      reader.fill(step, state);
    } else {
      super.fill(step, slots);
    }
  }

  @Override
  int take(Pass pass, int slots, int firstSlot, int row) {
    if (!reads()) {
      return super.take(pass, slots, firstSlot, row);
    }
    if (reader.undecided()) {
      advance(promptLength());
      acceptPrompt(pass, row);
      return 1;
    }
    List<String> labels = ((Task.Choose) request.task()).labels();
    decided = reader.judge(pass, firstSlot, state, labels, trie);
    if (decided != null) {
      state.endReading(reader.depth());
      advance(promptLength());
      scored++;
    }
    return 0;
  }

  @Override
  boolean producesFromPrompt() {
    return true;
  }

  @Override
  int nextSlots() {
    return nextSlots;
  }

  @Override
  void fillNext(Step step, int slots) {
    for (Branch branch : next) {
      branch.sequence = take(branch.parent);
      int position = promptLength() + branch.depth;
      int node = branch.first;
      for (int i = 0; i < branch.length; i++) {
        step.add(branch.sequence, trie.token(node), position + i, false, true);
        node = trie.firstChild(node);
      }
    }
  }

  private SequenceState take(Parent parent) {
    if (--parent.takers == 0) {
      return parent.sequence;
    }
    SequenceState fork = parent.sequence.fork();
    forks.add(fork);
    return fork;
  }

  @Override
  void acceptPrompt(Pass pass, int row) {
    score(pass, 0, row);
    // One taker more than there are: the row's own sequence stays at the end of the prompt.
    Parent root = new Parent(state, trie.innerChildren(0) + 1);
    branchOff(0, 0, root);
    choose();
  }

  @Override
  int acceptNext(Pass pass, int row, int slots) {
    int logits = row;
    for (Branch branch : next) {
      abandoned |= branch.sequence.stopped();
      int node = branch.first;
      int last = node;
      for (int i = 0; i < branch.length; i++) {
        score(pass, node, logits++);
        last = node;
        node = trie.firstChild(node);
      }
      int takers = trie.innerChildren(last);
      if (takers == 0) {
        end(branch.sequence);
      }
      branchOff(last, branch.depth + branch.length, new Parent(branch.sequence, takers));
    }
    next.clear();
    choose();
    return slots;
  }

  /** Scores a node's children by the logits at the node. */
  private void score(Pass pass, int node, int row) {
    float logSum = pass.logSum(row);
    int offset = pass.offset(row);
    for (int child = trie.firstChild(node); child >= 0; child = trie.nextSibling(child)) {
      logprobs[child] = pass.logits()[offset + trie.token(child)] - logSum;
    }
    scored++;
  }

  private void branchOff(int node, int depth, Parent parent) {
    for (int child = trie.firstChild(node); child >= 0; child = trie.nextSibling(child)) {
      if (trie.inner(child)) {
        waiting.push(new Branch(child, depth, parent));
      }
    }
  }

  /** Takes what runs in the next step, the deepest nodes first, so that few forks are held. */
  private void choose() {
    nextSlots = 0;
    while (!waiting.isEmpty() && nextSlots < limits.slots()) {
      Branch branch = waiting.pop();
      int node = branch.first;
      nextSlots++;
      while (limits.inRuns() && nextSlots < limits.slots() && trie.goesOnAlone(node)) {
        node = trie.firstChild(node);
        branch.length++;
        nextSlots++;
      }
      next.add(branch);
    }
  }

  private void end(SequenceState fork) {
    state.join(fork);
    fork.release();
    forks.remove(fork);
  }

  @Override
  void giveUp() {
    abandoned = true;
  }

  @Override
  void release() {
    for (SequenceState fork : forks) {
      fork.release();
    }
    forks.clear();
    super.release();
  }

  @Override
  GenerationResult result(String depthPolicy) {
    while (!forks.isEmpty()) {
      end(forks.getLast());
    }
    if (abandoned) {
      return result(depthPolicy, null, List.of(), 0, null);
    }
    LabelScores scores = new LabelScores(trie, logprobs);
    if (request.task() instanceof Task.Choose choose) {
      Finding.Choice choice = decided == null ? scores.choice(choose) : decided;
      int label = choose.labels().indexOf(choice.label());
      double logprob = choice.scores().get(label).logprob();
      return result(depthPolicy, choice.label(), scores.tokens(label), logprob, choice);
    }
    Finding.Likelihood likelihood =
        new Finding.Likelihood(scores.logprob(0), scores.tokenLogprobs(0));
    return result(depthPolicy, null, scores.tokens(0), likelihood.logprob(), likelihood);
  }

  private GenerationResult result(
      String depthPolicy, String text, List<Integer> tokens, double logprob, Finding finding) {
    return new GenerationResult(
        request.key(),
        text,
        tokens,
        abandoned ? FinishReason.ABORT : FinishReason.STOP,
        null,
        null,
        new Usage(promptTokens, scored, state.cachedSlots()),
        logprob,
        List.of(),
        timing(),
        state.stats(depthPolicy),
        finding);
  }
}
