package io.baton.deploy.cli;

import io.baton.common.error.BatonException;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The program {@code baton}. */
@Command(
        name = "baton",
        description = "Serves language models with prefill and decode apart.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            UpCommand.class,
            RouterCommand.class,
            PrefillerCommand.class,
            DecoderCommand.class,
            RunCommand.class,
            ChatCommand.class,
            ModelCommand.class,
            KvCommand.class,
            DoctorCommand.class,
            PrepareCommand.class,
            ConfigCommand.class,
            BenchCommand.class
        },
        footer = {
            "",
            "Exit status: 0 ok, 1 runtime error, 2 usage, 3 configuration, 4 something needed is unavailable.",
            "First steps: baton up --demo"
        })
public final class Main implements Runnable {
    // picocli sets it before run().
    @SuppressWarnings("NullAway.Init")
    @Spec
    private CommandSpec spec;

    /** Runs the program and ends the process with its exit status. */
    public static void main(String[] arguments) {
        JavaProcess.followParent(System.getenv());
        System.exit(run(arguments));
    }

    /** Runs the program; returns its exit status. */
    static int run(String... arguments) {
        CommandLine line = new CommandLine(new Main());
        for (CommandLine command : line.getSubcommands().values()) {
            addFlags(command);
        }
        line.setColorScheme(
                CommandLine.Help.defaultColorScheme(
                        colours() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
        line.setExecutionExceptionHandler(errors());
        line.setUsageHelpAutoWidth(true);
        return line.execute(arguments);
    }

    private static void addFlags(CommandLine command) {
        if (command.getCommand() instanceof Configured) {
            SettingFlags.addTo(command.getCommandSpec());
        }
        for (CommandLine child : command.getSubcommands().values()) {
            addFlags(child);
        }
    }

    /** Colours on a terminal only, and not where NO_COLOR is set. */
    static boolean colours() {
        return System.console() != null
                && System.console().isTerminal()
                && Optional.ofNullable(System.getenv("NO_COLOR")).orElse("").isEmpty();
    }

    private static IExecutionExceptionHandler errors() {
        return (error, line, parsed) -> {
            if (error instanceof BatonException known) {
                System.err.println("baton: " + known.text());
                return ExitCode.of(known);
            }
            System.err.println("baton: " + error);
            if (Boolean.parseBoolean(System.getenv("BATON_STACKTRACES"))) {
                error.printStackTrace(System.err);
            }
            return ExitCode.RUNTIME;
        };
    }

    @Override
    public void run() {
        spec.commandLine().usage(System.out);
    }
}
