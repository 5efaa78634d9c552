package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.kernel.Kernels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a measurement ran on; facts that the system does not tell are left out. */
final class Machine {
  private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
  private static final long ASSUMED_CACHE = 64L << 20;

  private Machine() {}

  /** Adds the machine, the JVM and its flags, the vectors in use and what was built. */
  static void describe(ObjectNode node, Optional<String> commit) {
    firstOf(Path.of("/proc/cpuinfo"), "model name").ifPresent(name -> node.put("cpu", name));
    node.put("cores", Runtime.getRuntime().availableProcessors());
    node.put("last_level_cache_bytes", lastLevelCacheBytes());
    firstOf(Path.of("/proc/meminfo"), "MemTotal").ifPresent(size -> node.put("memory", size));
    node.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    node.put("java", Runtime.version().toString());
    node.put("jvm_flags", flags());
    node.put("kernels", Kernels.best().description());
    commit.ifPresent(id -> node.put("commit", id));
  }

  /** The JVM's flags without those that only open modules. */
  private static String flags() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(flag -> !flag.startsWith("--add-opens") && !flag.startsWith("--add-exports"))
        .collect(Collectors.joining(" "));
  }

  /** Bytes of the largest cache, which is shared on most machines; a guess if nobody tells. */
  static long lastLevelCacheBytes() {
    long largest = 0;
    for (int index = 0; index < 8; index++) {
      Path size = CACHES.resolve("index" + index).resolve("size");
      largest = Math.max(largest, lines(size).stream().mapToLong(Machine::bytes).sum());
    }
    return largest == 0 ? ASSUMED_CACHE : largest;
  }

  private static long bytes(String size) {
    String digits = size.replaceAll("[^0-9]", "");
    long number = digits.isEmpty() ? 0 : Long.parseLong(digits);
    return size.endsWith("K") ? number << 10 : size.endsWith("M") ? number << 20 : number;
  }

  /** Resident memory of this process in bytes, or 0 where the system does not tell. */
  static long residentBytes() {
    return firstOf(Path.of("/proc/self/status"), "VmRSS")
        .map(text -> Long.parseLong(text.replaceAll("[^0-9]", "")) << 10)
        .orElse(0L);
  }

  private static Optional<String> firstOf(Path file, String key) {
    return lines(file).stream()
        .filter(line -> line.startsWith(key))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file, StandardCharsets.UTF_8) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }
}
