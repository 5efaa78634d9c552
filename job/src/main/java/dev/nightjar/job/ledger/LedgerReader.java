package dev.nightjar.job.ledger;

import dev.nightjar.udfs.RunProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Reads what a ledger keeps of runs that ended; takes no lock and changes nothing. */
public final class LedgerReader {
  private final LedgerFiles files;

  private LedgerReader(LedgerFiles files) {
    this.files = files;
  }

  /**
   * Of the ledger of an output, which need not be there.
   *
   * @param table folder of the result table
   * @param folder folder of the ledger; empty for the one in the table's
   */
  public static LedgerReader of(
      String table, Optional<String> folder, Configuration configuration) {
    Path root = folder.map(Path::new).orElse(new Path(table, Ledger.FOLDER));
    try {
      return new LedgerReader(new LedgerFiles(root.getFileSystem(configuration), root));
    } catch (IOException e) {
      throw new UncheckedIOException(root + " could not be read: " + e.getMessage(), e);
    }
  }

  /** What was kept of a run besides its rows. */
  public Optional<RunProfile> profile(String runId) {
    return files.read(Ledger.PROFILES + "/" + Ledger.fileName(runId), RunProfile.class);
  }
}
