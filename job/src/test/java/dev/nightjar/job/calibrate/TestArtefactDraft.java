package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.depth.DepthArtefact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestArtefactDraft {
  private static final ModelFacts MODEL = new ModelFacts("m", "abc", 4, 2, 16, 64, 1000, 100, 50);

  @TempDir private Path folder;

  private static ArtefactDraft draft(double threshold) {
    ObjectNode fields = ArtefactDraft.object().put("threshold", threshold);
    fields.putArray("list").add(1).add(0.1);
    return new ArtefactDraft(
        "gates",
        fields,
        Map.of("t", new ArtefactDraft.Tensor(new long[] {1, 2}, new float[] {1, -2})));
  }

  @Test
  void writtenTwiceIsTheSameBytesAndTheEngineOpensIt() throws IOException {
    draft(0.5).write(folder.resolve("a"), MODEL);
    draft(0.5).write(folder.resolve("b"), MODEL);
    for (String file : new String[] {"depth.json", "depth.safetensors"}) {
      assertThat(folder.resolve("a").resolve(file))
          .hasSameBinaryContentAs(folder.resolve("b").resolve(file));
    }
    try (DepthArtefact open = DepthArtefact.open(folder.resolve("a"), "gates", 4, 2, "abc")) {
      assertThat(open.description().path("threshold").asDouble()).isEqualTo(0.5);
    }
  }

  @Test
  void anArtefactWithoutTensorsReplacesOneThatHadSome() throws IOException {
    draft(0.5).write(folder, MODEL);
    ArtefactDraft.of("adaskip", ArtefactDraft.object()).write(folder, MODEL);
    assertThat(Files.exists(folder.resolve("depth.safetensors"))).isFalse();
    assertThat(Files.readString(folder.resolve("depth.json"))).contains("adaskip").endsWith("}\n");
  }

  @Test
  void contentNamesTellDraftsApart() {
    assertThat(draft(0.5).contentName(MODEL)).isEqualTo(draft(0.5).contentName(MODEL));
    assertThat(draft(0.5).contentName(MODEL)).isNotEqualTo(draft(0.6).contentName(MODEL));
  }
}
