package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A command that reads the configuration and therefore takes all setting flags. */
abstract class Configured implements Callable<Integer> {
    // picocli sets it before call().
    @SuppressWarnings("NullAway.Init")
    @Spec
    private CommandSpec spec;

    /** The configuration of this call. */
    final Configuration configuration() {
        return configuration(Map.of());
    }

    /** The configuration of this call, with settings that the command itself fixes. */
    final Configuration configuration(Map<String, String> fixed) {
        Configuration configuration = SettingFlags.load(spec.commandLine().getParseResult(), fixed);
        Logging.configure(configuration);
        return configuration;
    }
}
