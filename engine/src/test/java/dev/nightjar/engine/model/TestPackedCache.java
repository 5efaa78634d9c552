package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.tensor.DType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packed weights on disk: shared, checked, and never trusted blindly. */
class TestPackedCache {
  private static final long ROOM = 1 << 30;

  @TempDir Path temp;

  private final List<String> log = new ArrayList<>();
  private final Logger logger = Logger.getLogger(PackedCache.class.getName());
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          log.add(
              entry.getLevel()
                  + " "
                  + new java.util.logging.SimpleFormatter().formatMessage(entry));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    logger.addHandler(handler);
  }

  @AfterEach
  void leave() {
    logger.removeHandler(handler);
  }

  private Path cache() {
    return temp.resolve("packed");
  }

  private Path folder(long seed) throws IOException {
    return new Checkpoint(64, 2, seed).writeFolder(temp.resolve("model-" + seed));
  }

  private long load(Path model) {
    return load(model, new PackedCache(cache(), ROOM));
  }

  private static long load(Path model, PackedCache cache) {
    try (OpenModel files = ModelFiles.open(model);
        Arena arena = Arena.ofShared()) {
      LowRankUpdates none = LowRankUpdates.none(files.weights().config().numLayers());
      return PackedLoad.checksum(cache.load(files, none, arena));
    }
  }

  private static long inMemory(Path model) {
    return load(model, PackedCache.of("off"));
  }

  private List<Path> stored() throws IOException {
    try (Stream<Path> files = Files.list(cache())) {
      return files.filter(file -> !file.endsWith("lock")).sorted().toList();
    }
  }

  private Path only() throws IOException {
    assertThat(stored()).hasSize(1);
    return stored().getFirst();
  }

  private List<String> lines(String part) {
    return log.stream().filter(line -> line.contains(part)).toList();
  }

  @Test
  void folderIsPackedOnceAndThenMapped() throws IOException {
    Path model = folder(1);
    long expected = inMemory(model);
    assertThat(load(model)).isEqualTo(expected);
    Object first = Files.readAttributes(only(), "unix:ino");
    assertThat(load(model)).isEqualTo(expected);
    assertThat(Files.readAttributes(only(), "unix:ino")).isEqualTo(first);
    assertThat(lines("Packed the weights")).hasSize(1);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(only())))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache())))
        .isEqualTo("rwx------");
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void ggufOfEveryTypeIsTheSameFromTheFile(DType dtype) throws IOException {
    Path model = new Checkpoint(256, 2, 3).writeGguf(temp.resolve("tiny.gguf"), dtype);
    long expected = inMemory(model);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("Packed the weights")).hasSize(1);
  }

  @Test
  void otherWeightsOfTheSameShapeHaveAnotherFile() throws IOException {
    assertThat(load(folder(1))).isNotEqualTo(load(folder(2)));
    assertThat(stored()).hasSize(2);
  }

  @Test
  void weightsFileThatWasTouchedIsPackedAgain() throws IOException {
    Path model = folder(1);
    load(model);
    Files.setLastModifiedTime(
        model.resolve("model.safetensors"), FileTime.from(Instant.ofEpochSecond(1)));
    assertThat(load(model)).isEqualTo(inMemory(model));
    assertThat(stored()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 12, 16, 47, 48, 56, 64, 72, 76, 80, 124, 127, 4096, 5000})
  void damagedByteIsNoticedAndTheFileMadeAgain(int position) throws IOException {
    Path model = folder(1);
    long expected = load(model);
    flip(only(), position);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("INFO").stream().filter(line -> line.contains("is packed again"))).hasSize(1);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("Packed the weights")).hasSize(2);
    assertThat(lines("WARNING")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {48, 56, 64, 72})
  void fieldOfAnotherValueWithAValidChecksumIsNoticed(int position) throws IOException {
    Path model = folder(1);
    long expected = load(model);
    for (long value : new long[] {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40}) {
      try (RandomAccessFile file = new RandomAccessFile(only().toFile(), "rw")) {
        byte[] header = new byte[PackedFile.HEADER_BYTES];
        file.readFully(header);
        ByteBuffer bytes = ByteBuffer.wrap(header);
        bytes.putLong(position, value);
        int last = PackedFile.HEADER_BYTES - Integer.BYTES;
        bytes.putInt(last, PackedFile.checksum(bytes.slice(0, last)));
        file.seek(0);
        file.write(header);
      }
      log.clear();
      assertThat(load(model)).isEqualTo(expected);
      assertThat(lines("Packed the weights")).as("value %s", value).hasSize(1);
    }
  }

  @Test
  void damagedTableIsNoticed() throws IOException {
    Path model = folder(1);
    long expected = load(model);
    flip(only(), (int) Files.size(only()) - 5);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("checksum of the table")).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 127, 128, 4096, 20_000, -1})
  void truncatedFileIsMadeAgain(long length) throws IOException {
    Path model = folder(1);
    long expected = load(model);
    try (RandomAccessFile file = new RandomAccessFile(only().toFile(), "rw")) {
      file.setLength(length < 0 ? file.length() + length : length);
    }
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("Packed the weights")).hasSize(2);
  }

  private static void flip(Path path, int position) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(position);
      int old = file.read();
      file.seek(position);
      file.write(old ^ 0x10);
    }
  }

  @Test
  void fileThatOthersCanWriteIsNotTrusted() throws IOException {
    Path model = folder(1);
    long expected = load(model);
    Files.setPosixFilePermissions(only(), PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("can be written by other users (rw-rw-rw-)")).hasSize(1);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(only())))
        .isEqualTo("rw-------");
  }

  @Test
  void fileOfAnotherUserIsNotTrusted() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root can give files away");
    Path model = folder(1);
    long expected = load(model);
    Files.setAttribute(only(), "unix:uid", 65534);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(lines("belongs to")).hasSize(1);
  }

  @Test
  void folderOfAnotherUserIsNotUsed() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root can give files away");
    Path model = folder(1);
    Files.createDirectory(cache());
    Files.setAttribute(cache(), "unix:uid", 65534);
    assertThat(load(model)).isEqualTo(inMemory(model));
    assertThat(stored()).isEmpty();
    assertThat(lines("WARNING")).hasSize(1).first().asString().contains("belongs to");
  }

  @Test
  void folderThatOthersCanWriteIsNotUsed() throws IOException {
    Path model = folder(1);
    Files.createDirectory(cache());
    Files.setPosixFilePermissions(cache(), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(load(model)).isEqualTo(inMemory(model));
    assertThat(stored()).isEmpty();
    assertThat(lines("WARNING")).hasSize(1);
  }

  @Test
  void linkIsNotFollowed() throws IOException {
    Path model = folder(1);
    long expected = load(model);
    Path elsewhere = temp.resolve("elsewhere");
    Files.move(only(), elsewhere);
    Files.createSymbolicLink(
        cache().resolve(lines("Packed").getFirst().replaceAll(".*/([0-9a-f]+\\.packed).*", "$1")),
        elsewhere);
    assertThat(load(model)).isEqualTo(expected);
    assertThat(Files.isSymbolicLink(only())).isFalse();
    assertThat(lines("no regular file")).hasSize(1);
  }

  @Test
  void folderThatCannotBeMadeIsOneWarningThatNamesIt() throws IOException {
    Path model = folder(1);
    Files.writeString(cache(), "a file");
    assertThat(load(model)).isEqualTo(inMemory(model));
    assertThat(lines("WARNING"))
        .hasSize(1)
        .first()
        .asString()
        .contains(cache().toString(), "is there and no folder", "set packed-cache to");
  }

  @Test
  void weightsBeyondTheLimitStayInMemory() throws IOException {
    Path model = folder(1);
    assertThat(load(model, new PackedCache(cache(), 1000))).isEqualTo(inMemory(model));
    assertThat(stored()).isEmpty();
    assertThat(lines("WARNING")).hasSize(1).first().asString().contains("there may be 1000");
  }

  @Test
  void digestOfWeightsIsRememberedAndForgottenWithThem() throws IOException {
    Path model = folder(1);
    PackedCache cache = new PackedCache(cache(), ROOM);
    try (OpenModel files = ModelFiles.open(model)) {
      String digest = WeightsDigest.of(files.store());
      assertThat(cache.weightsSha256(files)).isEqualTo(digest);
      assertThat(cache.weightsSha256(files)).isEqualTo(digest);
      Files.writeString(only(), "0".repeat(64));
      assertThat(cache.weightsSha256(files)).isEqualTo("0".repeat(64));
      Files.writeString(only(), "nonsense");
      assertThat(cache.weightsSha256(files)).isEqualTo(digest);
    }
  }

  @Test
  void processesThatStartTogetherPackOnce() throws IOException, InterruptedException {
    Path model = new Checkpoint(256, 6, 5).writeFolder(temp.resolve("model"));
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start(model, Path.of("log-" + i)));
    }
    String expected = Long.toString(inMemory(model));
    int packed = 0;
    for (int i = 0; i < processes.size(); i++) {
      assertThat(checksum(processes.get(i))).isEqualTo(expected);
      end(processes.get(i));
      String output = Files.readString(temp.resolve("log-" + i));
      packed += output.contains("Packed the weights") ? 1 : 0;
      assertThat(output).doesNotContain("cannot be kept").doesNotContain("again");
    }
    assertThat(packed).isEqualTo(1);
    assertThat(stored()).hasSize(1);
  }

  @Test
  void filesUnusedForLongestGoFirstAndThoseInUseStay() throws IOException, InterruptedException {
    List<Path> models = List.of(folder(1), folder(2), folder(3), folder(4));
    Process idle = start(models.get(0), Path.of("log-0"));
    checksum(idle);
    Path unused = only();
    long size = Files.size(unused);
    Process busy = start(models.get(1), Path.of("log-1"));
    checksum(busy);
    end(idle);
    Process later = start(models.get(2), Path.of("log-2"));
    checksum(later);
    end(later);
    List<Path> before = stored();
    assertThat(before).hasSize(3);
    load(models.get(3), new PackedCache(cache(), 3 * size));
    assertThat(stored()).hasSize(3).doesNotContain(unused);
    List<Path> kept = new ArrayList<>(before);
    kept.remove(unused);
    assertThat(stored()).containsAll(kept);
    load(folder(5), new PackedCache(cache(), 3 * size));
    assertThat(stored()).hasSize(3);
    end(busy);
    assertThat(Files.readString(temp.resolve("log-1"))).doesNotContain("cannot be kept");
    // What this process uses and what the other one used last is left.
    load(folder(6), new PackedCache(cache(), 3 * size));
    assertThat(stored()).hasSize(3);
  }

  private Process start(Path model, Path output) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx200m",
            "-XX:TieredStopAtLevel=1",
            "--add-modules=jdk.incubator.vector",
            "-cp",
            System.getProperty("java.class.path"),
            PackedLoad.class.getName(),
            model.toString(),
            cache().toString())
        .redirectError(temp.resolve(output).toFile())
        .start();
  }

  /** Waits until a process has loaded. */
  private static String checksum(Process process) throws IOException {
    return new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
        .readLine();
  }

  private static void end(Process process) throws IOException, InterruptedException {
    process.getOutputStream().close();
    assertThat(process.waitFor()).isZero();
  }
}
