package dev.nightjar.job.demo;

import dev.nightjar.job.demo.MailCorpus.Mail;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Makes mailboxes out of nothing, with gold records, for runs without the public corpus.
 *
 * <p>The mails look like those of {@link MailCorpus} but contain no text of it, so they may be
 * committed and shown freely. Sender and date are as hard as real ones; label and topic are easier,
 * because every mail comes from a small set of phrases.
 */
public final class SyntheticMailbox {

  private static final List<String> FIRST =
      List.of(
          "Aoife", "Bram", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Imke", "Jonas",
          "Keiko", "Lars", "Marta", "Nils", "Orla", "Piotr", "Rosa", "Sven", "Tamsin", "Yusuf");

  private static final List<String> LAST =
      List.of(
          "Abbott",
          "Bergmann",
          "Costa",
          "Doyle",
          "Eriksen",
          "Fontaine",
          "Gallagher",
          "Hoffman",
          "Ivanova",
          "Janssen",
          "Kowalski",
          "Lindqvist",
          "Moreau",
          "Nakamura",
          "Okafor",
          "Petrov",
          "Quigley",
          "Ramirez",
          "Schulz",
          "Tanaka");

  private static final List<String> HOSTS =
      List.of(
          "fernhill",
          "kelpworks",
          "northgate",
          "oakmere",
          "bluepond",
          "larkspur",
          "stonebridge",
          "tidewater",
          "quarry",
          "redmaple",
          "skylark",
          "westbrook");

  private static final List<String> ENDINGS =
      List.of(".example.com", ".example.org", ".example.net", ".com", ".org", ".net", ".ie", ".de");

  private static final List<String> ZONES =
      List.of("+0000", "+0100", "+0200", "-0400", "-0500 (EST)", "-0700", "-0700 (PDT)", "GMT");

  private static final List<String> DATE_PATTERNS =
      List.of(
          "EEE, d MMM yyyy HH:mm:ss",
          "EEE, dd MMM yyyy HH:mm:ss",
          "EEE, d MMM yyyy HH:mm:ss",
          "d MMM yyyy HH:mm:ss");

  /** Topic to subject and body phrases; the key {@code spam} stands for unsolicited mail. */
  private static final Map<String, Phrases> PHRASES =
      Map.of(
          "exmh",
          new Phrases(
              List.of(
                  "Re: exmh folder list colours",
                  "Re: sequences and the unseen window",
                  "exmh and nmh scan formats"),
              List.of(
                  "> When I press the flist button, exmh rescans every folder.",
                  "The sequences window should update after inc has run.",
                  "I put this into ~/.exmh/exmh-defaults and restarted wish.")),
          "fork",
          new Phrases(
              List.of(
                  "Re: The future of the web, again",
                  "Re: wireless in every cafe?",
                  "Economics of broadband"),
              List.of(
                  "Interesting article, though I doubt the numbers.",
                  "On Tuesday, you wrote: > nobody will pay for that.",
                  "The market decided long ago that protocols beat products.")),
          "ilug",
          new Phrases(
              List.of(
                  "Re: [ILUG] kernel panic on boot",
                  "[ILUG] best distro for an old laptop?",
                  "Re: [ILUG] NFS and firewall question"),
              List.of(
                  "Has anyone on the list got Debian working on one of these?",
                  "You need to rebuild the kernel with that driver as a module.",
                  "Slainte, and thanks for the help with the partition table.")),
          "razor",
          new Phrases(
              List.of(
                  "[Razor-users] razor-check returns an error",
                  "Re: [Razor-users] Razor2 and procmail"),
              List.of(
                  "razor-agents 2.14 logs a bootstrap discovery error here.",
                  "The server list in ~/.razor was empty, so the check timed out.",
                  "Which catalogue servers answer at the moment?")),
          "rpm",
          new Phrases(
              List.of(
                  "Re: apt and a newer alsa-driver package",
                  "Rebuilding xine for Red Hat 8",
                  "Re: spec file for mplayer"),
              List.of(
                  "I rebuilt the source rpm with --without freetype and it worked.",
                  "apt-get update && apt-get install synaptic pulls it in.",
                  "The %post section of the spec needs ldconfig.")),
          "spamassassin",
          new Phrases(
              List.of(
                  "Re: [SAtalk] scores for a new rule",
                  "[SAdev] spamd child processes",
                  "Re: [SAtalk] false positive on a newsletter"),
              List.of(
                  "SpamAssassin 2.40 gives this one 6.2 points here.",
                  "Add a whitelist_from line to user_prefs and restart spamd.",
                  "The rule needs a meta test or it will hit too much ham.")),
          "zzzzteana",
          new Phrases(
              List.of(
                  "[zzzzteana] Giant squid washed ashore",
                  "Re: [zzzzteana] Lights over the moor",
                  "[zzzzteana] Town elects a goat"),
              List.of(
                  "BBC News reports that the creature was nine metres long.",
                  "The Times, page 7: villagers heard the hum for three nights.",
                  "A man has been reunited with his tortoise after 20 years.")),
          "other",
          new Phrases(
              List.of(
                  "Your order has been dispatched",
                  "Minutes of the planning meeting",
                  "Security advisory: update recommended"),
              List.of(
                  "This message confirms the changes to your subscription.",
                  "Please find the notes of the meeting below.",
                  "The update fixes a buffer overflow in the parser.")),
          "spam",
          new Phrases(
              List.of(
                  "Lowest mortgage rates in 40 years!!!",
                  "Lose 20 pounds GUARANTEED",
                  "URGENT BUSINESS PROPOSAL",
                  "Make $5,000 a week from home"),
              List.of(
                  "Click here to claim your FREE quote now! No obligation!!!",
                  "Dear Sir, I have the sum of US$25,000,000 to transfer.",
                  "This is NOT spam. To be removed from our list reply with REMOVE.",
                  "Order today and save up to 80% off retail prices!")));

  private static final List<String> KINDS =
      List.of("exmh", "fork", "ilug", "razor", "rpm", "spamassassin", "zzzzteana", "other", "spam");

  private SyntheticMailbox() {}

  private record Phrases(List<String> subjects, List<String> bodies) {}

  /**
   * Writes a synthetic mailbox as JSON lines.
   *
   * @param args number of mails, seed and output file
   * @throws IOException if the file cannot be written
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println("usage: java SyntheticMailbox.java <count> <seed> <out.jsonl>");
      System.exit(2);
    }
    List<Mail> mails = synthetic(Integer.parseInt(args[0]), Long.parseLong(args[1]));
    Files.write(Path.of(args[2]), mails.stream().map(Mail::toJson).toList());
  }

  /**
   * Makes mails.
   *
   * @param n number of mails
   * @param seed equal seeds give equal mails
   * @return mails with gold records, all in the {@code test} split; about a third is spam
   */
  public static List<Mail> synthetic(int n, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Mail> mails = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      mails.add(mail(i, random));
    }
    return mails;
  }

  private static Mail mail(int index, SplittableRandom random) {
    String kind = random.nextInt(100) < 30 ? "spam" : KINDS.get(random.nextInt(KINDS.size()));
    boolean spam = kind.equals("spam");
    Phrases phrases = PHRASES.get(kind);
    String first = pick(FIRST, random);
    String last = pick(LAST, random);
    String sender = address(first, last, random);
    LocalDateTime when =
        LocalDateTime.of(2001, 1, 1, 0, 0).plusMinutes(random.nextInt(25 * 365 * 24 * 60));
    when = when.plusSeconds(random.nextInt(60));
    String date =
        DateTimeFormatter.ofPattern(pick(DATE_PATTERNS, random), Locale.ENGLISH).format(when)
            + " "
            + pick(ZONES, random);
    String subject = pick(phrases.subjects(), random);
    List<String> sentences = new ArrayList<>(phrases.bodies());
    StringBuilder body = new StringBuilder();
    for (int left = 2 + random.nextInt(2); left > 0 && !sentences.isEmpty(); left--) {
      body.append(sentences.remove(random.nextInt(sentences.size()))).append(' ');
    }
    String text = MailCorpus.limit(MailCorpus.squeeze(body.toString()), MailCorpus.MAX_BODY);
    String id = String.format(Locale.ROOT, "synthetic-%06d", index);
    return new Mail(
        id,
        "test",
        id,
        MailCorpus.content(from(first, last, sender, random), date, subject, text),
        spam ? "spam" : "ham",
        spam ? "other" : kind,
        sender,
        when.toLocalDate().toString(),
        subject);
  }

  private static String address(String first, String last, SplittableRandom random) {
    String f = first.toLowerCase(Locale.ROOT);
    String l = last.toLowerCase(Locale.ROOT);
    String local =
        switch (random.nextInt(5)) {
          case 0 -> f + "." + l;
          case 1 -> f.charAt(0) + l;
          case 2 -> l + random.nextInt(100);
          case 3 -> f + "_" + l;
          default -> f;
        };
    return local + "@" + pick(HOSTS, random) + pick(ENDINGS, random);
  }

  private static String from(String first, String last, String sender, SplittableRandom random) {
    String name = first + " " + last;
    return switch (random.nextInt(6)) {
      case 0, 1 -> name + " <" + sender + ">";
      case 2, 3 -> "\"" + name + "\" <" + sender + ">";
      case 4 -> "<" + sender + ">";
      default -> "<" + sender + "> (" + name + ")";
    };
  }

  private static <T> T pick(List<T> list, SplittableRandom random) {
    return list.get(random.nextInt(list.size()));
  }
}
