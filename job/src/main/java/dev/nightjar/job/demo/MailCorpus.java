package dev.nightjar.job.demo;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Turns the raw SpamAssassin public mail corpus into prompts with gold answers.
 *
 * <p>Each mail becomes a short text (sender, date and subject lines and the first characters of the
 * body) and a gold record: label, topic, sender address and ISO date. The gold record is computed
 * from headers and from the folder a mail lies in. Headers that would give the answer away (mailing
 * list headers, transport headers, filter verdicts) never reach the text.
 *
 * <p>All limits are in UTF-8 bytes of cleaned text, so no tokenizer is needed to reproduce the data
 * set. Reading is deterministic: files are visited in sorted order and the split is a hash of the
 * normalised subject, so a thread never lies on two sides.
 */
public final class MailCorpus {

  /** Longest sender line kept, in UTF-8 bytes. */
  public static final int MAX_FROM = 100;

  /** Longest date line kept, in UTF-8 bytes. */
  public static final int MAX_DATE = 60;

  /** Longest subject kept, in UTF-8 bytes. */
  public static final int MAX_SUBJECT = 120;

  /** Longest body start kept, in UTF-8 bytes. */
  public static final int MAX_BODY = 320;

  /** Topics a mail can have; {@code other} stands for everything that is not one of the lists. */
  public static final List<String> TOPICS =
      List.of("exmh", "fork", "ilug", "razor", "rpm", "spamassassin", "zzzzteana", "other");

  private static final List<String> FOLDERS =
      List.of("easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2");

  private static final Pattern ADDRESS =
      Pattern.compile(
          "(?<![A-Za-z0-9._%+=&~#/-])[A-Za-z0-9][A-Za-z0-9._%+=&~#-]*"
              + "@[A-Za-z0-9][A-Za-z0-9.-]*\\.[A-Za-z]{2,6}");

  private static final Pattern DAY_MONTH_YEAR =
      Pattern.compile("\\b(\\d{1,2})[\\s-]+([A-Za-z]{3})[A-Za-z]*[\\s,-]+(\\d{4}|\\d{2})\\b");

  private static final Pattern MONTH_DAY_YEAR =
      Pattern.compile("\\b([A-Za-z]{3})[A-Za-z]*\\s+(\\d{1,2}),?\\s+(?:[0-9:]+\\s+)?(\\d{4})\\b");

  private static final Pattern YEAR_MONTH_DAY =
      Pattern.compile("\\b(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})\\b");

  private static final List<String> MONTHS =
      List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");

  private static final Pattern SUBJECT_PREFIX =
      Pattern.compile(
          "^(?:\\s*(?:re|fw|fwd|aw|sv)\\s*(?:\\[\\d+\\])?\\s*:|\\s*\\[[^\\]]{1,30}\\])+");

  private MailCorpus() {}

  /**
   * One mail with its gold record.
   *
   * @param id file name without extension; unique within the corpus
   * @param split {@code train}, {@code calibration} (kept from training, for thresholds and for
   *     watching progress) or {@code test}
   * @param group hash of the normalised subject; mails of one thread share it
   * @param content user message shown to the model
   * @param label {@code ham} or {@code spam}
   * @param topic one of {@link #TOPICS}
   * @param sender bare sender address in lower case
   * @param date sending date as written by the sender, ISO format
   * @param subject cleaned subject line
   */
  public record Mail(
      String id,
      String split,
      String group,
      String content,
      String label,
      String topic,
      String sender,
      String date,
      String subject) {

    /** Returns the gold record in the exact form the model is trained to write. */
    public String answer() {
      return "{\"label\":\""
          + label
          + "\",\"topic\":\""
          + topic
          + "\",\"sender\":\""
          + sender
          + "\",\"date\":\""
          + date
          + "\"}";
    }

    /** Returns this mail as one line of JSON. */
    public String toJson() {
      return "{\"id\":"
          + quote(id)
          + ",\"split\":"
          + quote(split)
          + ",\"group\":"
          + quote(group)
          + ",\"content\":"
          + quote(content)
          + ",\"label\":"
          + quote(label)
          + ",\"topic\":"
          + quote(topic)
          + ",\"sender\":"
          + quote(sender)
          + ",\"date\":"
          + quote(date)
          + ",\"subject\":"
          + quote(subject)
          + "}";
    }
  }

  /**
   * Writes the corpus as JSON lines.
   *
   * @param args data folder of the corpus package, output file and, if more of the bodies is wanted
   *     than the model is shown, how many bytes of them to keep
   * @throws IOException if a file cannot be read or written
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 2 && args.length != 3) {
      System.err.println("usage: java MailCorpus.java <data folder> <out.jsonl> [body bytes]");
      System.exit(2);
    }
    int maxBody = args.length == 3 ? Integer.parseInt(args[2]) : MAX_BODY;
    List<Mail> mails = read(Path.of(args[0]), maxBody);
    Path out = Path.of(args[1]);
    try (BufferedWriter writer = Files.newBufferedWriter(out)) {
      for (Mail mail : mails) {
        writer.write(mail.toJson());
        writer.write('\n');
      }
    }
    Map<String, Integer> counts = new TreeMap<>();
    for (Mail mail : mails) {
      counts.merge("split " + mail.split(), 1, Integer::sum);
      counts.merge("label " + mail.label(), 1, Integer::sum);
      counts.merge("topic " + mail.topic(), 1, Integer::sum);
    }
    System.out.println(mails.size() + " mails " + counts);
  }

  /**
   * Reads the corpus.
   *
   * @param dataFolder folder that holds {@code easy-ham-1}, {@code spam-1} and so on
   * @return mails in a fixed order, without exact duplicates and without mails whose sender or date
   *     cannot be parsed
   * @throws IOException if a file cannot be read
   */
  public static List<Mail> read(Path dataFolder) throws IOException {
    return read(dataFolder, MAX_BODY);
  }

  private static List<Mail> read(Path dataFolder, int maxBody) throws IOException {
    List<Mail> mails = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String folder : FOLDERS) {
      Path path = dataFolder.resolve(folder);
      if (!Files.isDirectory(path)) {
        continue;
      }
      List<Path> files;
      try (Stream<Path> stream = Files.list(path)) {
        files = stream.filter(f -> f.getFileName().toString().endsWith(".txt")).sorted().toList();
      }
      boolean spam = folder.startsWith("spam");
      for (Path file : files) {
        String name = file.getFileName().toString();
        String id = name.substring(0, name.length() - ".txt".length());
        Optional<Mail> mail = parse(id, Files.readAllBytes(file), spam, maxBody);
        if (mail.isPresent() && seen.add(mail.get().content())) {
          mails.add(mail.get());
        }
      }
    }
    return mails;
  }

  /**
   * Parses one raw mail.
   *
   * @param id identifier of the mail
   * @param raw bytes of the mail, headers and body
   * @param spam whether the mail is unsolicited
   * @return the mail, or nothing when its sender or date cannot be read
   */
  public static Optional<Mail> parse(String id, byte[] raw, boolean spam) {
    return parse(id, raw, spam, MAX_BODY);
  }

  private static Optional<Mail> parse(String id, byte[] raw, boolean spam, int maxBody) {
    String text = MimeText.decode(raw, null).replace("\r\n", "\n").replace('\r', '\n');
    int split = text.indexOf("\n\n");
    String head = split < 0 ? text : text.substring(0, split);
    String body = split < 0 ? "" : text.substring(split + 2);
    Map<String, String> headers = MimeText.headers(head);

    String from =
        limit(bracket(squeeze(MimeText.decodeWords(headers.getOrDefault("from", "")))), MAX_FROM);
    String date = limit(squeeze(headers.getOrDefault("date", "")), MAX_DATE);
    String subject =
        limit(squeeze(MimeText.decodeWords(headers.getOrDefault("subject", ""))), MAX_SUBJECT);
    Optional<String> sender = sender(from);
    Optional<LocalDate> day = date(date);
    if (sender.isEmpty() || day.isEmpty()) {
      return Optional.empty();
    }
    String start = limit(squeeze(MimeText.body(headers, body, 0)), maxBody);
    String key = normaliseSubject(subject);
    String group = hash(key.isEmpty() ? sender.get() : key);
    return Optional.of(
        new Mail(
            id,
            split(group),
            group,
            content(from, date, subject, start),
            spam ? "spam" : "ham",
            spam ? "other" : topic(headers),
            sender.get(),
            day.get().toString(),
            subject));
  }

  /**
   * Builds the user message from cleaned parts.
   *
   * @param from sender line
   * @param date date line
   * @param subject subject line
   * @param body start of the body
   * @return text shown to the model
   */
  public static String content(String from, String date, String subject, String body) {
    return "From: " + from + "\nDate: " + date + "\nSubject: " + subject + "\n\n" + body;
  }

  /**
   * Puts a bare address into angle brackets, so that addresses look alike in all sender lines:
   * {@code kre@munnari.oz.au (Robert Elz)} becomes {@code <kre@munnari.oz.au> (Robert Elz)}.
   */
  static String bracket(String from) {
    if (from.indexOf('<') >= 0) {
      return from;
    }
    Matcher matcher = ADDRESS.matcher(from);
    return matcher.find() ? matcher.replaceFirst("<$0>") : from;
  }

  /** Returns the address in angle brackets of a sender line in lower case. */
  static Optional<String> sender(String from) {
    int open = from.lastIndexOf('<');
    int close = from.indexOf('>', open + 1);
    if (open < 0 || close < 0) {
      return Optional.empty();
    }
    String found = from.substring(open + 1, close);
    boolean good = found.length() <= 64 && ADDRESS.matcher(found).matches();
    return good ? Optional.of(found.toLowerCase(Locale.ROOT)) : Optional.empty();
  }

  /** Reads the calendar date of a date line as written, without any time-zone shift. */
  static Optional<LocalDate> date(String line) {
    try {
      Matcher m = DAY_MONTH_YEAR.matcher(line);
      if (m.find() && month(m.group(2)) > 0) {
        return day(year(m.group(3)), month(m.group(2)), Integer.parseInt(m.group(1)));
      }
      m = MONTH_DAY_YEAR.matcher(line);
      if (m.find() && month(m.group(1)) > 0) {
        return day(year(m.group(3)), month(m.group(1)), Integer.parseInt(m.group(2)));
      }
      m = YEAR_MONTH_DAY.matcher(line);
      if (m.find()) {
        return day(
            Integer.parseInt(m.group(1)),
            Integer.parseInt(m.group(2)),
            Integer.parseInt(m.group(3)));
      }
    } catch (DateTimeException e) {
      return Optional.empty();
    }
    return Optional.empty();
  }

  private static String split(String group) {
    if (Integer.parseInt(group.substring(0, 6), 16) % 1000 < 142) {
      return "test";
    }
    return Integer.parseInt(group.substring(6, 10), 16) % 100 < 5 ? "calibration" : "train";
  }

  private static Optional<LocalDate> day(int year, int month, int day) {
    return year < 1980 || year > 2060
        ? Optional.empty()
        : Optional.of(LocalDate.of(year, month, day));
  }

  private static int month(String name) {
    return MONTHS.indexOf(name.toLowerCase(Locale.ROOT)) + 1;
  }

  private static int year(String digits) {
    int value = Integer.parseInt(digits);
    return digits.length() == 4 ? value : value < 60 ? 2000 + value : 1900 + value;
  }

  private static String topic(Map<String, String> headers) {
    StringBuilder all = new StringBuilder();
    for (String name :
        List.of("list-id", "mailing-list", "x-mailing-list", "x-beenthere", "x-loop", "sender")) {
      all.append(headers.getOrDefault(name, "").toLowerCase(Locale.ROOT)).append('\n');
    }
    String lists = all.toString().replace("spamassassin.taint.org", "");
    if (lists.contains("exmh-")) {
      return "exmh";
    } else if (lists.contains("razor-users")) {
      return "razor";
    } else if (lists.contains("spamassassin-")) {
      return "spamassassin";
    } else if (lists.contains("rpm-")) {
      return "rpm";
    } else if (lists.contains("zzzzteana")) {
      return "zzzzteana";
    } else if (lists.contains("linux.ie")) {
      return "ilug";
    } else if (lists.contains("fork")) {
      return "fork";
    }
    return "other";
  }

  /** Returns the subject without reply and list prefixes, lower case, letters and digits only. */
  static String normaliseSubject(String subject) {
    String lower = subject.toLowerCase(Locale.ROOT);
    String stripped = SUBJECT_PREFIX.matcher(lower).replaceFirst("");
    return stripped.replaceAll("[^\\p{L}\\p{Nd}]+", " ").strip();
  }

  /** Collapses white space and drops control characters and broken surrogates. */
  static String squeeze(String text) {
    StringBuilder out = new StringBuilder(Math.min(text.length(), 1024));
    boolean gap = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      int type = Character.getType(c);
      boolean drop =
          Character.isWhitespace(c)
              || Character.isSpaceChar(c)
              || c == 0xFFFD
              || type == Character.CONTROL
              || type == Character.SURROGATE
              || type == Character.FORMAT
              || type == Character.PRIVATE_USE
              || type == Character.UNASSIGNED;
      if (drop) {
        gap = true;
      } else {
        if (gap && out.length() > 0) {
          out.append(' ');
        }
        gap = false;
        out.appendCodePoint(c);
      }
    }
    return out.toString();
  }

  /** Cuts a text after a number of UTF-8 bytes, never inside a character. */
  static String limit(String text, int max) {
    int bytes = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      if (bytes > max) {
        return text.substring(0, i).strip();
      }
      i += Character.charCount(c);
    }
    return text;
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String quote(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        default -> {
          if (c < 0x20) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }
}
