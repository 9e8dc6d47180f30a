package io.baton.deploy.cli;

import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code baton up}: router, prefillers and decoders on this machine, until Ctrl-C. */
@Command(
        name = "up",
        description =
                "Starts router, prefillers and decoders on this machine and serves until Ctrl-C.")
final class UpCommand extends Configured {
    @Option(
            names = "--status-file",
            paramLabel = "FILE",
            description = "Writes URL and process ids there as JSON when it serves: for scripts.")
    private @Nullable Path statusFile;

    @Override
    public Integer call() throws Exception {
        Configuration configuration = configuration();
        if (configuration.get(ClusterSettings.UP_PROCESSES)) {
            return new ProcessCluster(configuration, statusFile).serve();
        }
        try (LocalCluster cluster = LocalCluster.start(configuration, Progress.onTerminal())) {
            cluster.block().print(System.out);
            if (statusFile != null) {
                cluster.block().write(statusFile);
            }
            Shutdown.await();
            System.err.println("baton: draining; Ctrl-C again ends at once");
            if (!cluster.drain()) {
                System.err.println(
                        "baton: requests were still open after drain.timeout; they are ended");
            }
        }
        return ExitCode.OK;
    }
}
