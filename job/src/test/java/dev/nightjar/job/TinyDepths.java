package dev.nightjar.job;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.format.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The tiny model under every depth policy, with artefacts of seeded random weights. */
public final class TinyDepths {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LAYERS = TinyModel.LAYERS;
  private static final int HIDDEN = TinyModel.HIDDEN;

  /** Hidden size of routers. */
  private static final int ROUTER = 8;

  private static final String THRESHOLDS = "\"thresholds\": {\"default\": 0.0, \"0.80\": 2.5}";

  private final Path folder;
  private final String modelSha256;
  private final Random random = new Random(11);
  private final Map<String, int[]> shapes = new LinkedHashMap<>();

  private TinyDepths(Path model) {
    this.folder = model.resolve("depth");
    try (LlmEngine engine = LlmEngine.load(model, EngineConfig.DEFAULT)) {
      this.modelSha256 = engine.weightsSha256();
    }
  }

  /** Writes the artefacts where the model's policies look for them; all policies, some twice. */
  public static List<String> write(Path model) throws IOException {
    TinyDepths depths = new TinyDepths(model);
    depths.schedules();
    depths.routers();
    depths.exits();
    return List.of(
        "full",
        "auto",
        "unified:keep=0.5",
        "unified:keep=0.5,prompt=full",
        "static:keep=0+1+3",
        "random:keep=0.6",
        "path:layers=0+1+1+3",
        "drop:first=1,count=2",
        "drop",
        "skipdecode:max=4,min=2,warm-up=1,prompt=max",
        "d3:alpha=0.8,core=2",
        "adaskip:online=true",
        "ffnskip:prompt=true",
        "dllm",
        "dllm:budget=0.80",
        "skipgpt",
        "gates",
        "drllm",
        "rowmask",
        "pyramid:keep=0.5,min-length=8",
        "slim:layers=1+2,keep=0.5",
        "gemfilter:layer=2,keep=0.5",
        "exit:threshold=0.1,layers=1+2+3",
        "exit:threshold=0.1,layers=1+3,tau=4",
        "exit:confidence=margin,threshold=0.05,layers=1+2+3",
        "exit:confidence=entropy,threshold=5,layers=1+3",
        "exit:confidence=state,threshold=0.5,layers=1+2+3",
        "exit:confidence=classifier",
        "exit:threshold=0.1,layers=1+2+3,kv=defer,defer-limit=3",
        "exit:threshold=0.1,layers=1+2,vocabulary=20",
        "adainfer",
        "2d",
        "sec",
        "layerskip:exit=2,length=4,confidence=0,max-rows=64",
        "swift:length=5,confidence=0,max-rows=64",
        "del:exits=1+2,confidence=0,max-rows=64",
        "eesd:exit=2,confidence=0,max-rows=64",
        "dllm+exit:threshold=0.1,layers=2+3",
        "random:keep=0.6,seed=5+exit:threshold=0.1,layers=1+3,kv=defer");
  }

  private void schedules() throws IOException {
    artefact("auto", "unified", "{\"options\": \"keep=0.5\"}");
    artefact(
        "adaskip",
        """
        {"attention_similarity": [0.1, 0.8, 0.3, 0.4],
         "feed_forward_similarity": [0.2, 0.9, 0.7, 0.1],
         "attention_ratio": [1.5, 1.2, 1.1, 1.3], "feed_forward_ratio": [2, 1.3, 0.8, 1.1]}
        """);
    artefact(
        "ffnskip",
        """
        {"similarity_threshold": 0.5, "first_layer": 1, "last_layer": 2, "budget": 2, "warm_up": 4}
        """);
    shapes.put("map.weight", new int[] {HIDDEN, HIDDEN});
    shapes.put("map.bias", new int[] {HIDDEN});
    artefact("drop", "{\"first\": 1, \"count\": 2}");
  }

  private void routers() throws IOException {
    for (int layer = 1; layer < LAYERS; layer++) {
      router("layers." + layer + ".router.", 2);
      shapes.put("layers." + layer + ".router.norm.weight", new int[] {ROUTER});
    }
    artefact(
        "dllm",
        "{\"router_hidden_size\": 8, \"first_gated_layer\": 1, \"reserved_positions\": 2,"
            + " \"rms_norm_eps\": 1e-5, "
            + THRESHOLDS
            + "}");
    for (int layer = 1; layer < LAYERS; layer++) {
      router("layers." + layer + ".attention_router.", 2);
      router("layers." + layer + ".feed_forward_router.", 2);
    }
    artefact(
        "skipgpt",
        "{\"router_hidden_size\": 8, \"first_gated_layer\": 1, \"reserved_positions\": 2, "
            + THRESHOLDS
            + "}");
    for (int layer = 2; layer < LAYERS; layer++) {
      shapes.put("layers." + layer + ".gate.weight", new int[] {1, HIDDEN});
      shapes.put("layers." + layer + ".gate.bias", new int[] {1});
    }
    artefact(
        "gates",
        "{\"kv\": \"project\", \"first_gated_layer\": 2, \"reserved_positions\": 2, "
            + THRESHOLDS
            + "}");
    for (int layer = 1; layer < LAYERS; layer++) {
      router("layers." + layer + ".router.", 3);
    }
    artefact("drllm", "{\"router_hidden_size\": 8}");
    shapes.put("probe.weight", new int[] {2, HIDDEN});
    shapes.put("probe.bias", new int[] {2});
    artefact(
        "rowmask", "{\"probe_layer\": 1, \"margin\": 0.25, \"masks\": [[0, 3], [0, 1, 2, 3]]}");
  }

  private void exits() throws IOException {
    shapes.put("classifier.weight", new int[] {2, HIDDEN});
    shapes.put("classifier.bias", new int[] {2});
    for (int layer : new int[] {1, 3}) {
      shapes.put("exits." + layer + ".lens.weight", new int[] {HIDDEN, HIDDEN});
      shapes.put("exits." + layer + ".lens.bias", new int[] {HIDDEN});
    }
    artefact(
        "exit",
        """
        {"measure": "classifier", "lens": true,
         "exits": [{"layer": 1, "threshold": 0.7}, {"layer": 3, "threshold": 0.4}]}
        """);
    artefact("adainfer", "{\"coefficients\": [-3, 4, 4], \"layers\": [1, 3]}");
    shapes.put("controller.weight", new int[] {3, HIDDEN});
    artefact("sec", "{\"stop_threshold\": 0.02, \"exit_threshold\": 0.3, \"layers\": [1, 2, 3]}");
    shapes.put("adapters.0.weight", new int[] {2, HIDDEN});
    shapes.put("adapters.0.bias", new int[] {2});
    artefact("2d", "{\"labels\": [\"ab\", \"cd\"], \"depths\": [2], \"thresholds\": [0.7]}");
  }

  private void router(String prefix, int choices) {
    shapes.put(prefix + "0.weight", new int[] {ROUTER, HIDDEN});
    shapes.put(prefix + "0.bias", new int[] {ROUTER});
    shapes.put(prefix + "1.weight", new int[] {choices, ROUTER});
    shapes.put(prefix + "1.bias", new int[] {choices});
  }

  private void artefact(String policy, String fields) throws IOException {
    artefact(policy, policy, fields);
  }

  /** Writes the description and, of random numbers, the tensors that wait; forgets these. */
  private void artefact(String name, String policy, String fields) throws IOException {
    Path target = Files.createDirectories(folder.resolve(name));
    ObjectNode json = JSON.createObjectNode();
    json.put("version", 1).put("policy", policy).put("model_sha256", modelSha256);
    json.put("num_layers", LAYERS).put("hidden_size", HIDDEN);
    json.setAll((ObjectNode) JSON.readTree(fields));
    JSON.writeValue(target.resolve("depth.json").toFile(), json);
    if (shapes.isEmpty()) {
      return;
    }
    SafetensorsWriter writer = new SafetensorsWriter();
    shapes.forEach((tensor, shape) -> {
      boolean vector = shape.length == 1;
      float[] values = new float[vector ? shape[0] : shape[0] * shape[1]];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.5 * random.nextGaussian());
      }
      writer.add(tensor, vector ? new long[] {shape[0]} : new long[] {shape[0], shape[1]}, values);
    });
    writer.write(target.resolve("depth.safetensors"));
    shapes.clear();
  }
}
