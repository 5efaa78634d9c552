package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * {@code auto}: whatever policy an artefact is for, with the options it was chosen with; by default
 * the artefact in {@code depth/auto} beside the model, where {@code nightjar calibrate} can put it.
 */
final class AutoFactory implements PolicyFactory {
  @Override
  public String name() {
    return "auto";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    String named = spec.text("artefact", null);
    Path folder = named != null ? Path.of(named) : context.model().artefacts().resolve("auto");
    JsonNode description = DepthArtefact.describe(folder);
    String policy = description.path("policy").asText();
    String options = description.path("options").asText("");
    PolicyFactory factory = Policies.find(policy);
    if (factory == null || factory == this) {
      throw spec.bad(
          "artefact",
          folder + " with policy \"" + policy + "\"",
          "an artefact of one of " + Policies.names(),
          null);
    }
    PolicySpec chosen = PolicySpec.parse(options.isEmpty() ? policy : policy + ":" + options);
    if (factory.options().contains("artefact")) {
      Map<String, String> all = new TreeMap<>(chosen.options());
      all.put("artefact", folder.toString());
      chosen = new PolicySpec(policy, all);
    }
    return factory.create(chosen, context);
  }
}
