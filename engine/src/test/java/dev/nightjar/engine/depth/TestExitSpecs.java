package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exits by options and by artefact. */
class TestExitSpecs {
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final int D = CONFIG.hiddenSize();

  @TempDir private Path folder;

  private static EarlyExit exit(String spec) {
    return ArtefactFolder.load(spec, CONFIG, Kernels.best()).exit();
  }

  private ArtefactFolder listed(String measure) {
    return new ArtefactFolder(folder, "exit", CONFIG)
        .with("measure", measure)
        .with(
            "exits",
            List.of(Map.of("layer", 2, "threshold", 0.95), Map.of("layer", 4, "threshold", 0.5)));
  }

  private void refused(ArtefactFolder artefact, String options, String expected) {
    String spec = artefact.write() + options;
    assertThatThrownBy(() -> exit(spec))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void everyExitMayHaveItsOwnThreshold() {
    EarlyExit exit = exit("exit:thresholds=0.95+0.9,layers=4+2");
    assertThat(exit.layers().toString()).isEqualTo("{2, 4}");
    assertThat(exit.thresholds()[4]).isEqualTo(0.95f);
    assertThat(exit.thresholds()[2]).isEqualTo(0.9f);
  }

  @Test
  void optionsOfThePublishedMethodsAreTaken() {
    assertThat(exit("exit:confidence=entropy,threshold=1.5").confidence())
        .isEqualTo(new Confidence.Entropy());
    EarlyExit state = exit("exit:confidence=state,layers=2+3+4,tau=4");
    assertThat(state.layers().toString()).isEqualTo("{3, 4}");
    assertThat(state.decay()).isEqualTo(new EarlyExit.Decay(4, 0));
    assertThat(exit("exit:tau=4,length=128").decay()).isEqualTo(new EarlyExit.Decay(4, 128));
    EarlyExit deferred = exit("exit:kv=defer,defer-limit=3,vocabulary=64");
    assertThat(deferred.keysValues()).isEqualTo(new EarlyExit.KeysValues(true, 3));
    assertThat(deferred.head().vocabulary()).isEqualTo(64);
  }

  @ParameterizedTest
  @CsvSource({
    "'exit:layers=0+4', '[1, 5]'",
    "'exit:layers=4+4', twice",
    "'exit:layers=2+4,thresholds=0.5', 2 numbers",
    "'exit:layers=2+4,thresholds=0.5+x', 2 numbers",
    "'exit:layers=2+4,thresholds=0.5+7', '[0.0, 2.0]'",
    "'exit:layers=2+4,thresholds=0.5+1,threshold=1', no threshold beside",
    "'exit:thresholds=0.5+1', layers",
    "'exit:threshold=3', '[0.0, 2.0]'",
    "'exit:confidence=entropy,tau=4', rises",
    "'exit:length=4', tau",
    "'exit:defer-limit=4', kv=defer",
    "'exit:confidence=state,vocabulary=64', top1",
    "'exit:vocabulary=5', '[20, '",
    "'exit:confidence=classifier', depth.json",
    "'exit:confidence=cosine', classifier",
    "adainfer, depth.json",
    "sec, depth.json"
  })
  void mistakesAreNamed(String spec, String expected) {
    assertThatThrownBy(() -> exit(spec))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void artefactListsExits() {
    EarlyExit exit = exit(listed("top1").write());
    assertThat(exit.layers().toString()).isEqualTo("{2, 4}");
    assertThat(exit.thresholds()[2]).isEqualTo(0.95f);
    assertThat(exit.thresholds()[4]).isEqualTo(0.5f);
    assertThat(exit.head().lens(2)).isNull();
    String spec = listed("margin").write();
    assertThat(exit(spec + ",threshold=0.7,kv=defer").thresholds()[4]).isEqualTo(0.7f);
    refused(listed("top1"), ",layers=2", "the artefact lists the exits");
    refused(listed("top1"), ",confidence=margin", "top1");
    refused(listed("none"), "", "classifier");
    refused(listed("top1").with("lens", 1), "", "true or false");
    refused(listed("top1").with("exits", 3), "", "array");
    refused(listed("top1").with("exits", List.of(Map.of("layer", 6))), "", "[1, 5]");
    refused(listed("top1").with("exits", List.of(Map.of("layer", 5))), "", "exits.threshold");
    refused(
        listed("top1").with("exits", List.of(Map.of("layer", 5, "threshold", 9))),
        "",
        "[0.0, 2.0]");
  }

  @Test
  void artefactMayHoldLensesAndAClassifier() {
    UnaryOperator<ArtefactFolder> lenses =
        a ->
            a.with("lens", true)
                .tensor("exits.2.lens.weight", new float[D * D], D, D)
                .tensor("exits.2.lens.bias", new float[D], D)
                .tensor("exits.4.lens.weight", new float[D * D], D, D)
                .tensor("exits.4.lens.bias", new float[D], D);
    EarlyExit lens = exit(lenses.apply(listed("top1")).write());
    assertThat(lens.head().lens(2).weight().rows()).isEqualTo(D);
    assertThat(lens.head().lens(3)).isNull();
    refused(lenses.apply(listed("top1")).without("exits.4.lens.bias"), "", "exits.4.lens.bias");
    refused(
        lenses.apply(listed("top1")).tensor("exits.4.lens.bias", new float[D - 1], D - 1),
        "",
        "expected [" + D + "]");
    String classifier =
        listed("classifier")
            .tensor("classifier.weight", new float[2 * D], 2, D)
            .tensor("classifier.bias", new float[2], 2)
            .write();
    assertThat(exit(classifier).confidence()).isInstanceOf(Confidence.Classifier.class);
    float[] broken = new float[2 * D];
    broken[3] = Float.NaN;
    refused(
        listed("classifier").tensor("classifier.weight", broken, 2, D), "", "classifier.weight");
  }

  @Test
  void adaInferReadsItsCoefficients() {
    ArtefactFolder artefact =
        new ArtefactFolder(folder, "adainfer", CONFIG)
            .with("coefficients", List.of(-4.5, 3, 2))
            .with("layers", List.of(2, 4));
    EarlyExit exit = exit(artefact.write() + ",threshold=0.7");
    assertThat(exit.confidence()).isEqualTo(new Confidence.Features(-4.5f, 3, 2));
    assertThat(exit.prompt()).isTrue();
    assertThat(exit.thresholds()[2]).isEqualTo(0.7f);
    refused(artefact.with("layers", List.of(2, 2)), "", "twice");
    refused(artefact.with("layers", 2), "", "array");
    refused(artefact.with("coefficients", List.of(1, 2)), "", "coefficients");
  }

  @Test
  void controllerReadsItsThresholds() {
    ArtefactFolder artefact =
        new ArtefactFolder(folder, "sec", CONFIG)
            .with("stop_threshold", 0.5)
            .with("exit_threshold", 0.75)
            .tensor("controller.weight", new float[3 * D], 3, D);
    EarlyExit exit = exit(artefact.write());
    assertThat(exit.layers().toString()).isEqualTo("{1, 2, 3, 4, 5}");
    Confidence.Controller controller = (Confidence.Controller) exit.confidence();
    assertThat(controller.stopThreshold()).isEqualTo(0.5f);
    assertThat(controller.exitThreshold()).isEqualTo(0.75f);
    exit = exit(artefact.with("layers", List.of(2)).write() + ",stop-threshold=1,layers=3");
    assertThat(exit.layers().toString()).isEqualTo("{3}");
    assertThat(((Confidence.Controller) exit.confidence()).stopThreshold()).isEqualTo(1);
    refused(artefact.with("stop_threshold", 2), "", "stop_threshold");
    refused(artefact.tensor("controller.weight", new float[2 * D], 2, D), "", "expected [3, " + D);
  }
}
