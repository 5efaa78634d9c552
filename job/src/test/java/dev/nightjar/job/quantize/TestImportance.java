package dev.nightjar.job.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestImportance {
  @TempDir Path folder;

  @Test
  void sublayersThatChangeTheResidualMostComeFirst() throws IOException {
    write("[0.9, 0.2]", "[0.5, 0.95]");
    Importance importance = Importance.read(folder, 2, 8, "abc");
    assertThat(importance.most(0)).isEmpty();
    assertThat(importance.most(2)).containsExactlyInAnyOrder(1, 2);
    assertThat(importance.most(4)).hasSize(4);
  }

  @Test
  void faultsOfTheArtefactAreNamed() throws IOException {
    write("[0.9, 0.2]", "[0.5]");
    assertThatThrownBy(() -> Importance.read(folder, 2, 8, "abc"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("feed_forward_similarity has nothing for layer 1");
    assertThatThrownBy(() -> Importance.read(folder, 2, 8, "def"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("made for a model with SHA-256 abc");
  }

  private void write(String attention, String feedForward) throws IOException {
    Files.writeString(
        folder.resolve("depth.json"),
        """
        {"version": "1", "policy": "adaskip", "num_layers": 2, "hidden_size": 8,
         "model_sha256": "abc", "attention_similarity": %s, "feed_forward_similarity": %s}
        """
            .formatted(attention, feedForward));
  }
}
