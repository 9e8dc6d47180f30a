package io.baton.deploy.cli;

import io.baton.common.config.ConfigurationDocs;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code baton config}: what is set, where it comes from, what could be set. */
@Command(
        name = "config",
        description = "Shows settings.",
        mixinStandardHelpOptions = true,
        subcommands = {
            ConfigCommand.Print.class,
            ConfigCommand.Schema.class,
            ConfigCommand.Docs.class
        })
final class ConfigCommand {
    @Command(name = "print", description = "Prints every setting's value; secrets are hidden.")
    static final class Print extends Configured {
        @Option(names = "--origin", description = "Says where each value comes from.")
        private boolean origin;

        @Override
        public Integer call() {
            System.out.print(configuration().print(origin));
            return ExitCode.OK;
        }
    }

    @Command(
            name = "schema",
            description = "Prints the JSON Schema of configuration files.",
            mixinStandardHelpOptions = true)
    static final class Schema implements Callable<Integer> {
        @Override
        public Integer call() {
            System.out.println(ConfigurationDocs.schema());
            return ExitCode.OK;
        }
    }

    @Command(
            name = "docs",
            description = "Prints docs/configuration.md.",
            mixinStandardHelpOptions = true)
    static final class Docs implements Callable<Integer> {
        @Override
        public Integer call() {
            System.out.print(ConfigurationDocs.markdown());
            return ExitCode.OK;
        }
    }
}
