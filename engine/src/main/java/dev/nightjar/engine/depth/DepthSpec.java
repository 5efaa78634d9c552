package dev.nightjar.engine.depth;

import java.util.ArrayList;
import java.util.List;

/**
 * What runs, as the user writes it: one policy, or several joined with {@code +}, as in {@code
 * dllm:budget=0.55+exit:threshold=0.99}.
 */
public record DepthSpec(List<PolicySpec> policies) {

  public DepthSpec {
    policies = List.copyOf(policies);
  }

  /**
   * Parses the text form. A {@code +} starts another policy when a policy's name follows; otherwise
   * it joins the parts of a list.
   *
   * @throws dev.nightjar.engine.api.EngineException when a name or an option does not exist
   */
  public static DepthSpec parse(String text) {
    List<PolicySpec> policies = new ArrayList<>();
    int from = 0;
    for (int plus = text.indexOf('+'); plus >= 0; plus = text.indexOf('+', plus + 1)) {
      if (startsPolicy(text, plus + 1)) {
        policies.add(PolicySpec.parse(text.substring(from, plus)));
        from = plus + 1;
      }
    }
    policies.add(PolicySpec.parse(text.substring(from)));
    return new DepthSpec(policies);
  }

  private static boolean startsPolicy(String text, int start) {
    int end = start;
    while (end < text.length() && text.charAt(end) != ':' && text.charAt(end) != '+') {
      end++;
    }
    return Policies.find(text.substring(start, end).trim()) != null;
  }

  /** The name of the first policy. */
  public String name() {
    return policies.getFirst().name();
  }

  /** The canonical text. */
  @Override
  public String toString() {
    StringBuilder out = new StringBuilder();
    for (PolicySpec policy : policies) {
      out.append(out.isEmpty() ? "" : "+").append(policy);
    }
    return out.toString();
  }
}
