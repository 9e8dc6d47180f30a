package io.baton.deploy.cli;

import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.Origin;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
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
        Configuration configuration = withFreeControlPort(configuration());
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

    /**
     * A second cluster on one machine needs no more than another {@code --port}: where nobody asked
     * for a control port and the usual one is taken, any free one serves.
     */
    static Configuration withFreeControlPort(Configuration configuration) {
        if (!(configuration.origin(ClusterSettings.ROUTER_CONTROL_PORT)
                instanceof Origin.Default)) {
            return configuration;
        }
        int usual = configuration.get(ClusterSettings.ROUTER_CONTROL_PORT);
        InetSocketAddress address =
                new InetSocketAddress(configuration.get(ClusterSettings.CONTROL_HOST), usual);
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(address);
            return configuration;
        } catch (IOException e) {
            System.err.printf(
                    "baton: control port %d is taken, workers join on a free one%n", usual);
            return configuration.with(Map.of(ClusterSettings.ROUTER_CONTROL_PORT.key(), "0"));
        }
    }
}
