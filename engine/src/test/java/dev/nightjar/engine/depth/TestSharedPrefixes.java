package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.decode.PrefixRun;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows whose prompts begin alike, under every policy that there is. */
class TestSharedPrefixes {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final Set<String> OWN_PROMPTS =
      Set.of("random", "pyramid", "slim", "gemfilter", "drllm", "rowmask", "adainfer", "2d");

  @TempDir private Path folder;

  private List<String> specs() throws IOException {
    new TinyArtefacts(folder, CONFIG).writeAll();
    Random random = new Random(4);
    int d = CONFIG.hiddenSize();
    return List.of(
        "full",
        new ArtefactFolder(folder.resolve("auto"), "unified", CONFIG)
            .with("options", "keep=0.5")
            .write()
            .replace("unified:", "auto:"),
        "unified:keep=0.5",
        "unified:keep=0.5,prompt=full",
        "static:keep=0+2+5",
        "random:keep=0.6",
        "pyramid:keep=0.5,min-length=8",
        "slim:layers=1+3,keep=0.5",
        "gemfilter:layer=2,keep=0.5",
        "skipdecode:max=5,min=2,warm-up=1,prompt=max",
        "d3:alpha=0.8,core=2",
        "adaskip:online=true",
        "ffnskip:prompt=true",
        "drop",
        "drop:first=2,count=2",
        "path:layers=0+1+1+2+5",
        TinyRouters.skipGpt(folder.resolve("skipgpt"), CONFIG, 12).write(),
        TinyRouters.gates(folder.resolve("gates"), CONFIG, "project").write(),
        TinyRouters.gates(folder.resolve("absent"), CONFIG, "absent").write(),
        TinyRouters.drLlm(folder.resolve("drllm"), CONFIG).write(),
        TinyRouters.rowMask(folder.resolve("rowmask"), CONFIG).write(),
        "layerskip:exit=5,length=4,confidence=0,max-rows=64",
        "eesd:exit=5,confidence=0,max-rows=64",
        "del:confidence=0,max-rows=64,every=3,head-cost=0,row-cost=0",
        "swift:length=5,confidence=0,max-rows=64",
        new ArtefactFolder(folder.resolve("adainfer"), "adainfer", CONFIG)
            .with("coefficients", List.of(-3, 4, 4))
            .with("layers", List.of(2, 4))
            .write(),
        new ArtefactFolder(folder.resolve("sec"), "sec", CONFIG)
            .with("stop_threshold", 0.02)
            .with("exit_threshold", 0.3)
            .with("layers", List.of(2, 3, 4))
            .random(random, 0.3, "controller.weight", 3, d)
            .write(),
        new ArtefactFolder(folder.resolve("2d"), "2d", CONFIG)
            .with("labels", List.of("ab", "cd"))
            .with("depths", List.of(2))
            .with("thresholds", List.of(0.7))
            .random(random, 0.1, "adapters.0.weight", 2, d)
            .random(random, 0.1, "adapters.0.bias", 2)
            .write(),
        "exit:threshold=0.4,layers=2+4",
        "exit:threshold=0.4,layers=2+4,kv=defer",
        "unified:keep=0.7+exit:threshold=0.5,layers=2+4");
  }

  private DepthPolicy policy(String spec) {
    if (spec.startsWith("adaskip") || spec.startsWith("ffnskip") || spec.equals("drop")) {
      return new TinyArtefacts(folder, CONFIG).policy(spec);
    }
    return ArtefactFolder.load(spec, CONFIG, KERNELS);
  }

  @Test
  void answersAreTheSameWithAndWithoutACacheUnderEveryPolicy() throws IOException {
    Set<String> seen = new HashSet<>(Set.of("dllm"));
    PrefixRun run = new PrefixRun(CONFIG, KERNELS, PrefixRun.requests(24, 70));
    check(run, DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f)), true);
    for (String spec : specs()) {
      String name = spec.split("[:+]")[0];
      seen.add(name);
      check(run, policy(spec), !OWN_PROMPTS.contains(name));
    }
    assertThat(new TreeSet<>(seen)).isEqualTo(Policies.names());
  }

  private static void check(PrefixRun run, DepthPolicy policy, boolean shares) {
    assertThat(policy.sharesPrefixes()).as(policy.spec()).isEqualTo(shares);
    EngineConfig options = EngineConfig.DEFAULT.withMaxBatch(8).withPromptChunk(32);
    Map<String, Object> expected = run.answers(policy, PrefixRun.withCache(options, 0));
    assertThat(run.cachedTokens()).isZero();
    for (long bytes : new long[] {1 << 20, 40_000}) {
      assertThat(run.answers(policy, PrefixRun.withCache(options, bytes)))
          .as(policy.spec())
          .isEqualTo(expected);
      if (shares) {
        assertThat(run.cachedTokens()).as(policy.spec()).isPositive();
      } else {
        assertThat(run.cachedTokens()).as(policy.spec()).isZero();
      }
    }
  }
}
