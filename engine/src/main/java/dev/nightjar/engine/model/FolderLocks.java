package dev.nightjar.engine.model;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Locks between the processes that share a folder: for each of its files one that says who uses it
 * and one for who makes it, as ranges of one lock file. A process that dies loses its locks. A JVM
 * opens a lock file once and never closes it, because closing any channel on it would give up all
 * locks of the process. Safe for concurrent use.
 */
final class FolderLocks {
  private static final System.Logger LOGGER = System.getLogger(FolderLocks.class.getName());
  private static final String NAME = "lock";
  private static final Map<Path, FolderLocks> OPEN = new HashMap<>();

  private final Path file;
  private final Set<Long> used = new HashSet<>();
  private FileChannel channel;

  private FolderLocks(Path file) {
    this.file = file;
  }

  /** This JVM's locks in a folder. */
  static FolderLocks of(Path folder) throws IOException {
    Path file = folder.toRealPath().resolve(NAME);
    synchronized (OPEN) {
      return OPEN.computeIfAbsent(file, FolderLocks::new);
    }
  }

  /** Declares a file to be in use until this JVM ends. */
  synchronized void use(long id) throws IOException {
    if (!used.contains(id)) {
      share(id);
      used.add(id);
    }
  }

  /**
   * Takes the right to make a file, waiting for a process that has it; at most one thread of a JVM
   * may have one.
   */
  synchronized FileLock make(long id) throws IOException {
    try {
      return channel().lock(makeRange(id), 1, false);
    } catch (OverlappingFileLockException e) {
      throw new IOException("another class loader of this process is making it", e);
    }
  }

  /** Takes the right to remove a file, unless a process uses it. */
  synchronized Optional<FileLock> remove(long id) throws IOException {
    if (used.contains(id)) {
      return Optional.empty();
    }
    try {
      return Optional.ofNullable(channel().tryLock(useRange(id), 1, false));
    } catch (OverlappingFileLockException e) {
      return Optional.empty();
    }
  }

  /** Takes a lock that is held until the JVM ends, so nobody keeps it. */
  private void share(long id) throws IOException {
    try {
      channel().lock(useRange(id), 1, true);
    } catch (OverlappingFileLockException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "Another class loader of this process uses {0}", file);
    }
  }

  /** The lock file, opened anew if an interrupted thread closed it and lost all locks. */
  private FileChannel channel() throws IOException {
    if (channel == null || !channel.isOpen()) {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              LinkOption.NOFOLLOW_LINKS);
      for (long id : used) {
        share(id);
      }
    }
    return channel;
  }

  /** Ids are of 61 bits, so that both ranges of each have a place of their own. */
  private static long useRange(long id) {
    return 2 * (id >>> 3);
  }

  private static long makeRange(long id) {
    return useRange(id) + 1;
  }
}
