package dev.nightjar.job;

import dev.nightjar.engine.api.EngineException;
import java.util.Optional;
import org.apache.spark.sql.AnalysisException;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/** Tells people what went wrong: the message alone for their own slips, the stack trace for ours. */
final class Failures {
  private Failures() {}

  /** Prints a failure and returns its message. */
  static String report(Throwable thrown) {
    if (userMessage(thrown).isEmpty()) {
      thrown.printStackTrace();
    }
    String message = message(thrown);
    System.err.println("nightjar: " + message);
    return message;
  }

  /** A picocli handler that reports and fails. */
  static int handle(Exception thrown, CommandLine command, ParseResult parsed) {
    report(thrown);
    return RunCommand.FAILED;
  }

  /** The user's slip, wherever in the chain of causes it is; else the innermost message. */
  static String message(Throwable thrown) {
    return userMessage(thrown).orElseGet(() -> rootMessage(thrown));
  }

  private static Optional<String> userMessage(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof EngineException
          || t instanceof AnalysisException
          || t instanceof TooManyErrorsException) {
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
}
