package dev.nightjar.engine.tokenizer.template;

import java.util.List;

/** The variable {@code loop}. */
final class LoopState {
  private final List<Object> items;
  private final int depth;
  private int index;
  private Object lastChecked;
  private boolean checked;

  /** For {@code changed()} and {@code cycle()} the state lives as long as the loop. */
  LoopState(List<Object> items, int depth) {
    this.items = items;
    this.depth = depth;
  }

  void moveTo(int newIndex) {
    index = newIndex;
  }

  int depth() {
    return depth;
  }

  Object attribute(String name, Budget budget) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("loop.previtem of the first item");
      case "nextitem" ->
          index + 1 < size ? items.get(index + 1) : new Undefined("loop.nextitem of the last item");
      case "cycle" -> (Callable) LoopState.this::cycle;
      case "changed" -> (Callable) arguments -> changed(arguments, budget);
      default -> new Undefined("\"loop." + name + "\"");
    };
  }

  private Object cycle(Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw TemplateFault.at(arguments.line(), "loop.cycle needs at least one argument");
    }
    return arguments.positional().get(index % arguments.positional().size());
  }

  private Object changed(Arguments arguments, Budget budget) {
    boolean changed = !checked || !Values.areEqual(lastChecked, arguments.positional(), budget);
    checked = true;
    lastChecked = arguments.positional();
    return changed;
  }
}
