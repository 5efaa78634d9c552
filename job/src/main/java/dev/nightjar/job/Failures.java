package dev.nightjar.job;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.AnalysisException;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * Tells people what went wrong: the message alone for their own slips, the stack trace for ours.
 */
final class Failures {
  /** What file systems say when they take no more. */
  private static final Pattern FULL =
      Pattern.compile("No space left on device|Disk quota exceeded|DSQuotaExceeded\\w*");

  private Failures() {}

  /**
   * A picocli handler: prints what went wrong for people and, after {@code run}, the last line for
   * machines; returns the exit code.
   */
  static int handle(Exception thrown, CommandLine command, ParseResult parsed) {
    if (userMessage(thrown).isEmpty()) {
      thrown.printStackTrace();
    }
    String message = message(thrown);
    System.err.println("nightjar: " + message);
    boolean tooMany = thrown instanceof TooManyErrorsException;
    if (command.getCommand() instanceof RunCommand) {
      System.out.println(
          JsonMapper.builder()
              .build()
              .createObjectNode()
              .put("status", tooMany ? "too_many_errors" : "failed")
              .put("error", message));
    }
    return tooMany ? RunCommand.TOO_MANY_ERRORS : RunCommand.FAILED;
  }

  /** The user's slip, wherever in the chain of causes it is; else the innermost message. */
  static String message(Throwable thrown) {
    return userMessage(thrown).orElseGet(() -> rootMessage(thrown));
  }

  private static Optional<String> userMessage(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof EngineException
          || t instanceof AnalysisException
          || t instanceof TooManyErrorsException
          || t instanceof OutputFullException) {
        return Optional.of(t.getMessage());
      }
    }
    return Optional.empty();
  }

  private static String rootMessage(Throwable thrown) {
    String message = thrown.toString();
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      message = t.getMessage() == null ? message : t.getMessage();
    }
    return message;
  }

  /** What a run throws when a chunk failed. */
  static RuntimeException ofChunk(Throwable thrown, String output, int chunks, long rows) {
    if (thrown instanceof EngineException e) {
      return e;
    }
    String committed =
        chunks == 0
            ? "nothing was written"
            : String.format(
                Locale.ROOT, "%,d rows in %,d chunks are committed and stay", rows, chunks);
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      Matcher full = FULL.matcher(String.valueOf(t.getMessage()));
      if (full.find()) {
        return new OutputFullException(output, full.group(), committed, thrown);
      }
    }
    return new IllegalStateException("the run failed; " + committed, thrown);
  }
}
