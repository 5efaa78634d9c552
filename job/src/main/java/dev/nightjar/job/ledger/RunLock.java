package dev.nightjar.job.ledger;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps two runs from writing one output: a file that names the holder and a second one that the
 * holder touches every few seconds. A holder that died is told by its process, where it ran on this
 * host, and else by a heart that has stopped.
 */
final class RunLock implements AutoCloseable {
  private static final Duration BEAT = Duration.ofSeconds(5);
  private static final Duration STALE = Duration.ofSeconds(30);
  private static final Duration LOOK = Duration.ofSeconds(1);
  private static final String NAME = "lock";
  private static final String HEART = "lock.beat";

  private final LedgerFiles files;
  private final Holder holder;
  private final ScheduledExecutorService heart =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("nightjar-lock").factory());
  private long beats;

  /** Who holds a lock; {@code processStart} tells a process from a later one of the same number. */
  record Holder(String token, String host, long process, String processStart, String since) {
    static Holder me() {
      return new Holder(
          UUID.randomUUID().toString(),
          hostName(),
          ProcessHandle.current().pid(),
          start(ProcessHandle.current()),
          Instant.now().toString());
    }

    private static String start(ProcessHandle process) {
      return process.info().startInstant().map(Instant::toString).orElse("");
    }

    private static String hostName() {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (IOException e) {
        return "unknown";
      }
    }

    /** Whether the holder ran on this host and its process is gone. */
    boolean isDead() {
      if (!host.equals(hostName()) || host.equals("unknown")) {
        return false;
      }
      Optional<ProcessHandle> found = ProcessHandle.of(process).filter(ProcessHandle::isAlive);
      return found.isEmpty() || !start(found.get()).equals(processStart);
    }
  }

  private RunLock(LedgerFiles files, Holder holder) {
    this.files = files;
    this.holder = holder;
    beat();
    heart.scheduleWithFixedDelay(
        this::beat, BEAT.toMillis(), BEAT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Takes the lock; waits up to half a minute to see whether a holder on another host is alive.
   *
   * @throws EngineException when another run holds it
   */
  static RunLock acquire(LedgerFiles files) {
    Holder me = Holder.me();
    while (!files.create(NAME, me)) {
      Optional<Holder> other = files.read(NAME, Holder.class);
      if (!other.map(Holder::isDead).orElse(false)) {
        waitForHeart(files, other);
      }
      files.deleteJson("", NAME);
    }
    RunLock lock = new RunLock(files, me);
    lock.check();
    return lock;
  }

  /** Returns once the heart has been seen to stand still; one that beats is an error. */
  private static void waitForHeart(LedgerFiles files, Optional<Holder> other) {
    String first = files.text(HEART).orElse("");
    long deadline = System.nanoTime() + STALE.toNanos();
    while (System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(LOOK.toNanos());
      Optional<Holder> now = files.read(NAME, Holder.class);
      if (now.isEmpty() && other.isPresent()) {
        return;
      }
      if (!files.text(HEART).orElse("").equals(first) || !now.equals(other)) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "another run is writing to this output: "
                + now.map(h -> "process " + h.process() + " on " + h.host() + " since " + h.since())
                    .orElse("its holder is unknown")
                + "; wait until it has ended, or stop it ("
                + files.path(NAME + ".json")
                + ")");
      }
    }
  }

  private void beat() {
    beats++;
    try {
      files.overwrite(HEART, holder.token() + " " + beats);
    } catch (IOException e) {
      // A beat that is missed only makes the lock look older; check() tells when it is lost.
      return;
    }
  }

  /**
   * Makes sure that the lock is still held.
   *
   * @throws IllegalStateException when another run has taken it, because this one stood still
   */
  void check() {
    Optional<Holder> now = files.read(NAME, Holder.class);
    if (!now.equals(Optional.of(holder))) {
      throw new IllegalStateException(
          "another run has taken over this output while this one stood still; nothing more is"
              + " written by this one");
    }
  }

  @Override
  public void close() {
    heart.shutdownNow();
    if (files.read(NAME, Holder.class).equals(Optional.of(holder))) {
      files.delete(HEART);
      files.deleteJson("", NAME);
    }
  }
}
