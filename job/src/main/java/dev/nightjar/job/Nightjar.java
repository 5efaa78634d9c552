package dev.nightjar.job;

import dev.nightjar.job.bench.BenchCommand;
import dev.nightjar.job.calibrate.CalibrateCommand;
import dev.nightjar.job.demo.DemoCommand;
import dev.nightjar.job.evaluate.EvaluateCommand;
import dev.nightjar.job.quantize.QuantizeCommand;
import dev.nightjar.job.report.ReportCommand;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command line: {@code nightjar <command>}. */
@Command(
    name = "nightjar",
    description = "Large language models over whole corpora inside Apache Spark, in pure Java.",
    mixinStandardHelpOptions = true,
    versionProvider = Nightjar.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeOnInvalidInput = RunCommand.FAILED)
public final class Nightjar implements Runnable {
  @Spec private CommandSpec spec;

  private Nightjar() {}

  /** Runs a command and exits with its code. */
  public static void main(String[] args) {
    int exitCode = commandLine().execute(args);
    if (exitCode != RunCommand.OK) {
      System.exit(exitCode);
    }
  }

  /** All commands. */
  static CommandLine commandLine() {
    CommandLine all = new CommandLine(new Nightjar());
    all.addSubcommand(RunCommand.commandLine("run"));
    all.addSubcommand(CalibrateCommand.commandLine());
    all.addSubcommand(EvaluateCommand.commandLine());
    for (Object command :
        List.of(
            new DemoCommand(),
            new SqlCommand(),
            new ReportCommand(),
            new GenerateCommand(),
            new ScoreCommand(),
            new TokenizeCommand(),
            new InspectCommand(),
            new QuantizeCommand(),
            new BenchCommand())) {
      all.addSubcommand(command);
    }
    return all.setExecutionExceptionHandler(Failures::handle);
  }

  /** The version of the jar this runs from. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Nightjar.class.getPackage().getImplementationVersion();
      return new String[] {"nightjar " + (version == null ? "development" : version)};
    }
  }

  @Override
  public void run() {
    spec.commandLine().usage(System.out);
  }
}
