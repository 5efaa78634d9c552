package dev.nightjar.udfs;

import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.model.OwnFolder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;

/**
 * Models as local files. A model on a remote file system ({@code hdfs:}, {@code s3a:}, ...) is
 * copied once per host into the user's own folder, under a name that changes with its files. It
 * becomes the model only when all of it is there; each other process that opens it checks it
 * against the sums of the copy, and copies anew what is not the same any more. A bare name may be
 * that of a file given to {@code spark-submit --files}.
 */
public final class LocalModels {
  /** A scheme; one letter is a Windows drive. */
  private static final Pattern REMOTE = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]+:/.*");

  private static final String SUMS = ".sums";

  /** Copies that this process made or checked. */
  private static final Set<Path> KNOWN = new HashSet<>();

  private LocalModels() {}

  /**
   * The local path of a model as users write it.
   *
   * @throws EngineException when a remote model cannot be read or copied
   */
  public static Path of(String model) {
    if (model.equals(EmbeddedModel.NAME)) {
      return EmbeddedModel.extract();
    }
    if (REMOTE.matcher(model).matches()) {
      return fetch(model);
    }
    Path path = Path.of(model);
    if (!Files.exists(path) && path.getNameCount() == 1 && SparkEnv.get() != null) {
      Path given = Path.of(SparkFiles.get(model));
      return Files.exists(given) ? given : path;
    }
    return path;
  }

  private static synchronized Path fetch(String model) {
    try {
      org.apache.hadoop.fs.Path source = new org.apache.hadoop.fs.Path(model);
      FileSystem files = HadoopFiles.of(source);
      if (files.getScheme().equals("file")) {
        return Path.of(source.toUri().getPath());
      }
      Remote remote = Remote.of(files, files.makeQualified(source));
      Path cache = OwnFolder.path().resolve("models");
      OwnFolder.prepare(OwnFolder.path());
      OwnFolder.prepare(cache);
      Path folder = cache.resolve(remote.name());
      try (FileChannel channel =
              FileChannel.open(
                  cache.resolve(remote.name() + ".lock"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        assert lock.isValid();
        if (!KNOWN.contains(folder) && !isWhole(folder)) {
          copy(files, remote, cache, folder);
        }
        KNOWN.add(folder);
      }
      return folder.resolve(remote.source().getName());
    } catch (IOException e) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          "model " + model + " cannot be copied to this host: " + e.getMessage(),
          e);
    }
  }

  /** A model's files by their paths, which begin with the model's own name. */
  private record Remote(
      org.apache.hadoop.fs.Path source, TreeMap<String, LocatedFileStatus> files) {

    static Remote of(FileSystem system, org.apache.hadoop.fs.Path source) throws IOException {
      TreeMap<String, LocatedFileStatus> found = new TreeMap<>();
      RemoteIterator<LocatedFileStatus> all = system.listFiles(source, true);
      while (all.hasNext()) {
        LocatedFileStatus file = all.next();
        String path = file.getPath().toUri().getPath();
        found.put(source.getName() + path.substring(source.toUri().getPath().length()), file);
      }
      if (found.isEmpty()) {
        throw new FileNotFoundException(source + " has no files");
      }
      return new Remote(source, found);
    }

    /** Other files, other name. */
    String name() {
      MessageDigest digest = sha256();
      digest.update(source.toString().getBytes(StandardCharsets.UTF_8));
      files.forEach((name, file) ->
          digest.update(
              ("\n" + name + " " + file.getLen() + " " + file.getModificationTime())
                  .getBytes(StandardCharsets.UTF_8)));
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }
  }

  private static void copy(FileSystem system, Remote remote, Path cache, Path folder)
      throws IOException {
    Path fresh = cache.resolve(remote.name() + ".fresh");
    delete(fresh);
    Files.createDirectories(fresh);
    List<String> sums = new ArrayList<>();
    for (String name : remote.files().keySet()) {
      LocatedFileStatus file = remote.files().get(name);
      Path target = fresh.resolve(name).normalize();
      if (!target.startsWith(fresh)) {
        throw new IOException("file name " + name + " leaves the model's folder");
      }
      Files.createDirectories(target.getParent());
      MessageDigest digest = sha256();
      try (InputStream in = system.open(file.getPath());
          OutputStream out = new DigestOutputStream(Files.newOutputStream(target), digest)) {
        in.transferTo(out);
      }
      if (Files.size(target) != file.getLen()) {
        throw new IOException(
            name + " has " + Files.size(target) + " bytes here, expected " + file.getLen());
      }
      sums.add(HexFormat.of().formatHex(digest.digest()) + "  " + name);
    }
    Files.write(fresh.resolve(SUMS), sums);
    delete(folder);
    Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Whether a copy is there, with every file as it was copied. */
  private static boolean isWhole(Path folder) throws IOException {
    if (!Files.exists(folder.resolve(SUMS))) {
      return false;
    }
    for (String line : Files.readAllLines(folder.resolve(SUMS))) {
      String name = line.substring(line.indexOf("  ") + 2);
      MessageDigest digest = sha256();
      if (!Files.exists(folder.resolve(name))) {
        return false;
      }
      try (InputStream in = Files.newInputStream(folder.resolve(name));
          OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
        in.transferTo(out);
      }
      if (!line.startsWith(HexFormat.of().formatHex(digest.digest()))) {
        return false;
      }
    }
    return true;
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (var all = Files.walk(folder)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
