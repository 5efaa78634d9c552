package dev.nightjar.job.bench;

import dev.nightjar.job.demo.NpmPackage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** llama.cpp's libraries as an npm package carries them, fetched once into the cache. */
final class LlamaCppPackage {
  private static final String VERSION = "3.22.1";

  private LlamaCppPackage() {}

  /** Name and version of the package for this machine. */
  static String specification() throws IOException {
    return "@node-llama-cpp/" + platform() + "@" + VERSION;
  }

  private static String platform() throws IOException {
    String os = System.getProperty("os.name");
    String cpu = System.getProperty("os.arch");
    if (!os.equals("Linux") || !cpu.equals("amd64")) {
      throw new IOException("its libraries are used on Linux on x86-64 only, this is " + os);
    }
    return "linux-x64";
  }

  /**
   * The folder of the libraries.
   *
   * @throws IOException when there is no npm, or npm fails, or there is no package for this machine
   */
  static Path fetch(Path cache) throws IOException {
    Path folder = cache.resolve("peers").resolve("llama.cpp-" + VERSION);
    if (!Files.isDirectory(folder)) {
      Path archive = new NpmPackage(specification()).fetch(cache.resolve("peers").resolve("npm"));
      NpmPackage.unpack(archive, folder, name -> name.endsWith(".so"));
    }
    return folder.resolve("package").resolve("bins").resolve(platform());
  }
}
