package dev.nightjar.job.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestLedger {
  private static final String FINGERPRINT = "0123456789abcdef";

  @TempDir private Path folder;
  private Path table;

  @BeforeEach
  void name() {
    table = folder.resolve("table");
  }

  @Test
  void chunksAreNumberedOnAcrossRuns() throws IOException {
    try (Ledger ledger = open()) {
      publish(ledger, "a.parquet");
    }
    try (Ledger ledger = open()) {
      assertThat(publish(ledger, "b.parquet")).isEqualTo("0123456789ab-000002");
      assertThat(ledger.chunks(FINGERPRINT))
          .extracting(ChunkRecord::id)
          .containsExactly("0123456789ab-000001", "0123456789ab-000002");
      assertThat(ledger.chunks("ffffffffffffffff")).isEmpty();
      assertThat(ledger.staged()).isEmpty();
    }
    assertThat(table.resolve("day=1/0123456789ab-000001-0000-a.parquet")).exists();
    assertThat(table.resolve("day=1/0123456789ab-000002-0000-b.parquet")).exists();
  }

  /**
   * A run may die before the first move, between two of them, after the last, or while it enters.
   */
  @Test
  void whatWasBegunIsCompletedByTheNextRun() throws IOException {
    for (int moved = 0; moved <= 2; moved++) {
      table = folder.resolve("table-" + moved);
      Path old = Files.createDirectories(table).resolve("old.parquet");
      Files.writeString(old, "old");
      String id = FINGERPRINT.substring(0, 12) + "-000001";
      try (Ledger ledger = open()) {
        Path staged = stage(ledger, id, "a.parquet");
        stage(ledger, id, "b.parquet");
        List<Publication.Move> moves =
            List.of(move(staged, id, "a.parquet"), move(staged, id, "b.parquet"));
        files()
            .write(
                "publications",
                id,
                new Publication(record(id), moves, List.of(old.toUri().toString())));
        for (int i = 0; i < moved; i++) {
          Files.createDirectories(table.resolve("day=1"));
          Files.move(Path.of(moves.get(i).from()), Path.of(moves.get(i).to()));
        }
      }
      try (Ledger ledger = open()) {
        assertThat(ledger.chunks(FINGERPRINT)).hasSize(1);
        assertThat(files().list("publications")).isEmpty();
        assertThat(ledger.dataFiles(table.toString())).hasSize(2);
      }
    }
  }

  @Test
  void aCopyThatWasLeftHalfIsMadeAgain() throws IOException {
    String id = FINGERPRINT.substring(0, 12) + "-000001";
    Path target;
    try (Ledger ledger = open()) {
      Path staged = stage(ledger, id, "a.parquet");
      Publication.Move move = move(staged, id, "a.parquet");
      target = Path.of(move.to());
      Files.createDirectories(target.getParent());
      Files.writeString(target, "ro");
      files().write("publications", id, new Publication(record(id), List.of(move), List.of()));
    }
    open().close();
    assertThat(target).hasContent("rows of a.parquet");
  }

  @Test
  void twoRunsAtOnceAreRefused() throws IOException {
    try (Ledger ledger = open()) {
      assertThat(ledger.staged()).isEmpty();
      assertThatThrownBy(this::open)
          .isInstanceOf(EngineException.class)
          .hasMessageContaining(
              "another run is writing to this output: process " + ProcessHandle.current().pid());
    }
    open().close();
  }

  @Test
  void theLockOfADeadProcessIsTaken() throws IOException {
    RunLock.Holder me = RunLock.Holder.me();
    assertThat(me.isDead()).isFalse();
    RunLock.Holder dead =
        new RunLock.Holder("x", me.host(), me.process(), "1999-01-01T00:00:00Z", me.since());
    assertThat(dead.isDead()).isTrue();
    files().create("lock", dead);
    open().close();
  }

  @Test
  void aRunThatLostItsLockPublishesNothing() throws IOException {
    try (Ledger ledger = open()) {
      String id = ledger.nextChunk(FINGERPRINT);
      stage(ledger, id, "a.parquet");
      files().deleteJson("", "lock");
      files().create("lock", RunLock.Holder.me());
      assertThatThrownBy(() -> ledger.publish(record(id), List.of(id), List.of()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("another run has taken over");
      assertThat(ledger.dataFiles(table.toString())).isEmpty();
    }
  }

  @Test
  void aRunIdentifierStandsForOneConfiguration() throws IOException {
    try (Ledger ledger = open()) {
      ledger.begin(run("r/1", FINGERPRINT));
      ledger.end(new RunRecord.End("r/1", "ok", "now", "{}"));
      assertThat(ledger.isComplete("r/1")).isTrue();
      ledger.begin(run("r/1", FINGERPRINT));
      assertThat(ledger.isComplete("r/1")).isFalse();
      assertThat(ledger.runs(FINGERPRINT)).extracting(RunRecord::runId).containsExactly("r/1");
      assertThatThrownBy(() -> ledger.begin(run("r/1", "ffffffffffffffff")))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("run.id 'r/1' was used for this output with another");
    }
  }

  private Ledger open() {
    return Ledger.open(table.toString(), Optional.empty(), new Configuration());
  }

  private LedgerFiles files() throws IOException {
    org.apache.hadoop.fs.Path root =
        new org.apache.hadoop.fs.Path(table.resolve(Ledger.FOLDER).toString());
    return new LedgerFiles(root.getFileSystem(new Configuration()), root);
  }

  private static RunRecord run(String id, String fingerprint) {
    return new RunRecord(
        id, fingerprint, "{}", new RunRecord.Output("APPEND", "parquet", "2026-01-01"), "app", "");
  }

  private static ChunkRecord record(String id) {
    return new ChunkRecord(id, "rows", "run", FINGERPRINT, 1, List.of(), "");
  }

  private String publish(Ledger ledger, String file) throws IOException {
    String id = ledger.nextChunk(FINGERPRINT);
    stage(ledger, id, file);
    ledger.publish(record(id), List.of(id), List.of());
    return id;
  }

  /** A file as Spark leaves it in a staging folder. */
  private static Path stage(Ledger ledger, String id, String file) throws IOException {
    Path staged = Path.of(URI.create(ledger.staging(id)));
    Files.createDirectories(staged.resolve("day=1"));
    Files.writeString(staged.resolve("_SUCCESS"), "");
    Files.writeString(staged.resolve("day=1").resolve(file), "rows of " + file);
    return staged;
  }

  private Publication.Move move(Path staged, String id, String file) {
    return new Publication.Move(
        staged.resolve("day=1").resolve(file).toString(),
        table.resolve("day=1").resolve(id + "-0000-" + file).toString());
  }
}
