package dev.nightjar.engine.model;

import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Opens models in any of the known forms. */
public final class ModelFiles {
  private static final String GGUF = ".gguf";
  private static final String SAFETENSORS = ".safetensors";
  private static final String CONFIG = "config.json";
  private static final int MAX_ENTRIES = 100_000;

  private ModelFiles() {}

  /**
   * Opens a GGUF file or any part of a split one, a Hugging Face folder, a safetensors file in such
   * a folder, or a folder with exactly one GGUF model. The weights are mapped, not read; everything
   * else is checked here, and faults are {@code INVALID_MODEL} errors.
   */
  public static OpenModel open(Path path) {
    return check(openFile(path));
  }

  /** The same without the checks of a model: what is there can be looked at, whatever it is. */
  public static ModelFile openFile(Path path) {
    Path absolute = path.toAbsolutePath();
    if (Files.isDirectory(absolute)) {
      return openFolder(absolute);
    }
    if (!Files.isRegularFile(absolute)) {
      throw ConfigCheck.invalid(
          path
              + (Files.exists(absolute) ? " is neither a file nor a folder" : " does not exist")
              + ", expected a GGUF file or a Hugging Face model folder; check the path");
    }
    String name = absolute.getFileName().toString();
    if (name.endsWith(SAFETENSORS)) {
      return openFolderOf(absolute);
    }
    if (name.endsWith(GGUF) || beginsWithGguf(absolute)) {
      return openGguf(absolute);
    }
    throw ConfigCheck.invalid(
        path + " is not a GGUF file; give a GGUF file or a Hugging Face model folder");
  }

  private static ModelFile openFolderOf(Path weights) {
    Path folder = weights.getParent();
    if (!Files.isRegularFile(folder.resolve(CONFIG))) {
      throw ConfigCheck.invalid(
          "%s: there is no %s beside the file, expected a model folder; download all of it"
              .formatted(weights, CONFIG));
    }
    HuggingFaceFolder opened = HuggingFaceFolder.open(folder);
    if (!opened.weightFiles().contains(weights.getFileName().toString())) {
      opened.close();
      throw ConfigCheck.invalid(
          "%s is not among the weights of its folder, which are %s; give the folder"
              .formatted(weights, opened.weightFiles()));
    }
    return opened;
  }

  private static ModelFile openFolder(Path folder) {
    boolean hasConfig = Files.isRegularFile(folder.resolve(CONFIG));
    boolean hasWeights =
        Files.isRegularFile(folder.resolve(HuggingFaceFolder.WEIGHTS))
            || Files.isRegularFile(folder.resolve(HuggingFaceFolder.INDEX));
    if (hasConfig && hasWeights) {
      return HuggingFaceFolder.open(folder);
    }
    List<String> ggufs = new ArrayList<>();
    boolean hasPickle = false;
    boolean hasSafetensors = false;
    for (String name : names(folder)) {
      if (name.endsWith(GGUF)) {
        ggufs.add(name);
      }
      hasPickle |= name.endsWith(".bin") || name.endsWith(".pt") || name.endsWith(".pth");
      hasSafetensors |= name.endsWith(SAFETENSORS);
    }
    if (ggufs.size() == 1 || GgufFile.areParts(ggufs)) {
      return openGguf(folder.resolve(ggufs.getFirst()));
    }
    String problem;
    if (ggufs.size() > 1) {
      problem = "holds several GGUF files " + ggufs + "; give the path of one";
    } else if (!hasConfig && hasSafetensors) {
      problem = "holds safetensors but no config.json; download the whole model folder";
    } else if (hasPickle && !hasSafetensors) {
      problem =
          "holds PyTorch pickle weights only, which are not read because they can run code;"
              + " convert them to safetensors or GGUF";
    } else if (hasConfig) {
      problem =
          "holds config.json but neither %s nor %s; download the model's safetensors files"
              .formatted(HuggingFaceFolder.WEIGHTS, HuggingFaceFolder.INDEX);
    } else {
      problem =
          "holds no model, expected config.json with safetensors files, or one GGUF file;"
              + " check the path";
    }
    throw ConfigCheck.invalid(folder + " " + problem);
  }

  private static List<String> names(Path folder) {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        names.add(entry.getFileName().toString());
        if (names.size() > MAX_ENTRIES) {
          throw ConfigCheck.invalid(
              folder + " holds more than " + MAX_ENTRIES + " files; give the model's own folder");
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw ConfigCheck.invalid(folder + " cannot be listed (" + e + "); check its permissions");
    }
    names.sort(null);
    return names;
  }

  private static boolean beginsWithGguf(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(4), "GGUF".getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw ConfigCheck.invalid(file + " cannot be read (" + e + "); check its permissions");
    }
  }

  private static ModelFile openGguf(Path path) {
    GgufFile file = GgufFile.open(path);
    boolean valid = false;
    try {
      ModelFile model = HuggingFaceFolder.isIn(file) ? HuggingFaceFolder.of(file) : file;
      valid = true;
      return model;
    } finally {
      if (!valid) {
        file.close();
      }
    }
  }

  /** Takes ownership of {@code file}: it is closed unless the model is returned. */
  private static OpenModel check(ModelFile file) {
    boolean valid = false;
    try {
      WeightSource weights =
          switch (file) {
            case HuggingFaceFolder folder -> HuggingFaceModel.of(folder);
            case GgufFile gguf -> GgufModel.of(gguf);
          };
      String fingerprint = Fingerprint.of(weights.config(), file);
      valid = true;
      return new OpenModel(nameOf(file.path()), weights, file, fingerprint);
    } finally {
      if (!valid) {
        file.close();
      }
    }
  }

  /** The name of a model that lies at this path. */
  public static String nameOf(Path path) {
    Path last = path.normalize().getFileName();
    String name = last == null ? path.toString() : last.toString();
    return name.endsWith(GGUF) ? GgufFile.modelName(name) : name;
  }
}
