package dev.nightjar.job.ledger;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.udfs.RowJournal;
import dev.nightjar.udfs.RunProfile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * The book of an output: the runs that were started, the chunks they committed, and the files that
 * are on their way. Opening it takes the output's lock and completes what a run that died had begun
 * to move; afterwards the table holds exactly the committed chunks. One per run, one thread.
 *
 * <p>Files below the folder, all JSON and written once: {@code runs/<run>.json}, {@code
 * ends/<run>.json}, {@code profiles/<run>.json}, {@code chunks/<chunk>.json}, {@code
 * publications/<chunk>.json} while a chunk's files are moved; {@code staging/} holds what is not
 * committed.
 */
public final class Ledger implements AutoCloseable {
  /** The folder below an output unless another one is given; Spark does not read it. */
  public static final String FOLDER = "_nightjar";

  /** Name of the page about a run; Spark does not read it. */
  private static final String REPORT = "_report.html";

  private static final String RUNS = "runs";
  private static final String ENDS = "ends";
  private static final String CHUNKS = "chunks";

  /** What was kept of runs besides their rows. */
  static final String PROFILES = "profiles";

  private static final String PUBLICATIONS = "publications";
  private static final String STAGING = "staging";
  private static final String JOURNAL = "journal";
  private static final int FINGERPRINT_DIGITS = 12;

  private final LedgerFiles files;
  private final Path table;
  private final RunLock lock;
  private int lastNumber;

  private Ledger(LedgerFiles files, Path table, RunLock lock) {
    this.files = files;
    this.table = files.files().makeQualified(table);
    this.lock = lock;
  }

  /**
   * Opens the ledger of an output, which need not exist yet.
   *
   * @param table folder of the result table
   * @param folder folder of the ledger, on the same file system; empty for {@link #FOLDER} in the
   *     table's
   * @throws EngineException when the folders cannot be used or another run holds them
   */
  public static Ledger open(String table, Optional<String> folder, Configuration configuration) {
    try {
      Path tablePath = new Path(table);
      Path root = folder.map(Path::new).orElse(new Path(tablePath, FOLDER));
      FileSystem system = tablePath.getFileSystem(configuration);
      if (!system.getUri().equals(root.getFileSystem(configuration).getUri())) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "the ledger "
                + root
                + " is not on the file system of the output "
                + table
                + ", expected so, for finished files are moved from one to the other; leave"
                + " output.ledger out");
      }
      LedgerFiles files = new LedgerFiles(system, root);
      RunLock lock = RunLock.acquire(files);
      Ledger ledger = new Ledger(files, tablePath, lock);
      ledger.recover();
      return ledger;
    } catch (IOException | IllegalArgumentException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "output " + table + " cannot be used: " + e.getMessage() + "; name a writable folder",
          e);
    }
  }

  private void recover() throws IOException {
    for (String id : files.list(PUBLICATIONS)) {
      Optional<Publication> begun = files.read(PUBLICATIONS + "/" + id, Publication.class);
      if (begun.isPresent()) {
        finish(begun.get());
      }
    }
    for (String id : files.list(CHUNKS)) {
      lastNumber = Math.max(lastNumber, number(id));
    }
    files.deleteUnfinished();
  }

  private static int number(String chunkId) {
    return Integer.parseInt(chunkId.substring(chunkId.lastIndexOf('-') + 1));
  }

  /** Runs that were started with a fingerprint, in order of their names. */
  public List<RunRecord> runs(String fingerprint) {
    List<RunRecord> found = new ArrayList<>();
    for (String id : files.list(RUNS)) {
      files
          .read(RUNS + "/" + id, RunRecord.class)
          .filter(run -> run.fingerprint().equals(fingerprint))
          .ifPresent(found::add);
    }
    return found;
  }

  /** Whether a run came to the end of its input. */
  public boolean isComplete(String runId) {
    return files
        .read(ENDS + "/" + fileName(runId), RunRecord.End.class)
        .filter(end -> !end.status().equals(RunRecord.STOPPED))
        .isPresent();
  }

  /**
   * Enters a run that starts. A run identifier may come again, when a run is repeated.
   *
   * @throws EngineException when it was used with another fingerprint
   */
  public void begin(RunRecord run) {
    Optional<RunRecord> before = files.read(RUNS + "/" + fileName(run.runId()), RunRecord.class);
    if (before.isPresent() && !before.get().fingerprint().equals(run.fingerprint())) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "run.id '"
              + run.runId()
              + "' was used for this output with another configuration; choose another one");
    }
    files.deleteJson(ENDS, fileName(run.runId()));
    files.write(RUNS, fileName(run.runId()), run);
  }

  /** Enters how a run ended. */
  public void end(RunRecord.End end) {
    lock.check();
    files.write(ENDS, fileName(end.runId()), end);
  }

  /**
   * Keeps what a run's rows do not tell, with what is there if it was run before.
   *
   * @return all that is kept of the run
   */
  public RunProfile keep(String runId, RunProfile profile) {
    lock.check();
    String name = fileName(runId);
    RunProfile all =
        files.read(PROFILES + "/" + name, RunProfile.class).orElse(RunProfile.NONE).plus(profile);
    files.deleteJson(PROFILES, name);
    files.write(PROFILES, name, all);
    return all;
  }

  /** Any text as the name of a file. */
  static String fileName(String runId) {
    return runId.replaceAll("[^A-Za-z0-9._=+@-]", "_").replaceFirst("^[._]", "-");
  }

  /** The next chunk's name, unique in this ledger and in order. */
  public String nextChunk(String fingerprint) {
    lastNumber++;
    return String.format(
        Locale.ROOT, "%s-%06d", fingerprint.substring(0, FINGERPRINT_DIGITS), lastNumber);
  }

  /** Committed chunks of a fingerprint, in order. */
  public List<ChunkRecord> chunks(String fingerprint) {
    List<ChunkRecord> found = new ArrayList<>();
    for (String id : files.list(CHUNKS)) {
      if (id.startsWith(fingerprint.substring(0, FINGERPRINT_DIGITS))) {
        files.read(CHUNKS + "/" + id, ChunkRecord.class).ifPresent(found::add);
      }
    }
    return found;
  }

  /** A folder for files that are not committed. */
  public String staging(String name) {
    return files.path(STAGING + "/" + name).toString();
  }

  /** The folder of notes about tasks and rows that run. */
  public String journal() {
    return files.path(JOURNAL).toString();
  }

  /** Forgets which tasks of the last chunk died. */
  public void forgetTasks() {
    files.delete(JOURNAL + "/" + RowJournal.TASKS);
  }

  /** Forgets which rows were set aside. */
  public void clearJournal() {
    files.delete(JOURNAL);
  }

  /** Names in the staging folder, in order. */
  public List<String> staged() {
    return files.children(STAGING).stream().map(Path::getName).toList();
  }

  /** Whether Spark has finished writing a folder of {@link #staging}. */
  public boolean isWhole(String name) {
    try {
      return files.files().exists(new Path(staging(name), "_SUCCESS"));
    } catch (IOException e) {
      throw new UncheckedIOException(staging(name) + " could not be read", e);
    }
  }

  /** Deletes a folder of {@link #staging}. */
  public void deleteStaged(String name) {
    files.delete(STAGING + "/" + name);
  }

  /**
   * Moves finished files into the table and enters the chunk; if this run dies on the way, the next
   * one completes it.
   *
   * @param staged names in the staging folder whose files become the table's, folders of partitions
   *     included
   * @param replaced full paths of files of the table that vanish
   */
  public void publish(ChunkRecord chunk, List<String> staged, List<String> replaced) {
    lock.check();
    try {
      List<Publication.Move> moves = new ArrayList<>();
      List<String> names = new ArrayList<>();
      for (int i = 0; i < staged.size(); i++) {
        Path root = new Path(staging(staged.get(i)));
        String prefix = String.format(Locale.ROOT, "%s-%04d-", chunk.id(), i);
        for (String file : dataFiles(root.toString())) {
          String target = target(root, new Path(file), prefix);
          moves.add(new Publication.Move(file, new Path(table, target).toString()));
          names.add(target);
        }
      }
      ChunkRecord entry =
          new ChunkRecord(
              chunk.id(),
              chunk.kind(),
              chunk.runId(),
              chunk.fingerprint(),
              chunk.rows(),
              names,
              Instant.now().toString());
      Publication publication = new Publication(entry, moves, replaced);
      files.write(PUBLICATIONS, chunk.id(), publication);
      finish(publication);
      staged.forEach(this::deleteStaged);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "chunk " + chunk.id() + " could not be moved into " + table + ": " + e.getMessage(), e);
    }
  }

  private void finish(Publication publication) throws IOException {
    files.files().mkdirs(table);
    publication.carryOut(files.files());
    enter(publication.chunk());
    files.deleteJson(PUBLICATIONS, publication.chunk().id());
  }

  /** Enters a chunk that the table's own format has committed. */
  public void enter(ChunkRecord chunk) {
    files.write(CHUNKS, chunk.id(), chunk);
  }

  /** Folders of partitions, then the chunk's name in front of the file's. */
  private static String target(Path root, Path file, String prefix) {
    StringBuilder folders = new StringBuilder();
    for (Path p = file.getParent(); !p.equals(root); p = p.getParent()) {
      folders.insert(0, p.getName() + "/");
    }
    return folders + prefix + file.getName();
  }

  /** Full paths of the files with rows below a folder, in order; none when it is not there. */
  public List<String> dataFiles(String folder) throws IOException {
    List<String> found = new ArrayList<>();
    try {
      RemoteIterator<LocatedFileStatus> all =
          files.files().listFiles(files.files().makeQualified(new Path(folder)), true);
      while (all.hasNext()) {
        Path file = all.next().getPath();
        if (!file.getName().startsWith("_")
            && !file.getName().startsWith(".")
            && !isBelowHidden(file, folder)) {
          found.add(file.toString());
        }
      }
    } catch (FileNotFoundException e) {
      return List.of();
    }
    found.sort(null);
    return found;
  }

  private boolean isBelowHidden(Path file, String folder) {
    Path root = files.files().makeQualified(new Path(folder));
    for (Path p = file.getParent(); p != null && !p.equals(root); p = p.getParent()) {
      if (p.getName().startsWith("_") || p.getName().startsWith(".")) {
        return true;
      }
    }
    return false;
  }

  /** Marks the table as complete, or as being written; {@code _SUCCESS} as Spark writes it. */
  public void markSuccess(boolean complete) {
    Path mark = new Path(table, "_SUCCESS");
    try {
      if (complete) {
        files.files().mkdirs(table);
        files.files().create(mark, true).close();
      } else {
        files.files().delete(mark, false);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(mark + " could not be written: " + e.getMessage(), e);
    }
  }

  /** Writes the page about the run that ended last beside the table's rows; returns its path. */
  public String writeReport(String page) {
    Path target = new Path(table, REPORT);
    try (OutputStream out = files.files().create(target, true)) {
      out.write(page.getBytes(StandardCharsets.UTF_8));
      return target.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(target + " could not be written: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    lock.close();
  }
}
