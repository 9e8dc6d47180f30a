package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.router.RouterOptions;
import io.baton.router.RouterServer;
import picocli.CommandLine.Command;

/** {@code baton router}: the OpenAI endpoint; workers join it. */
@Command(name = "router", description = "Runs a router that workers join.")
final class RouterCommand extends Configured {
    @Override
    public Integer call() throws Exception {
        Configuration configuration = configuration();
        try (RouterServer router = RouterServer.start(RouterOptions.from(configuration))) {
            Shutdown.await();
            router.drain();
        }
        return ExitCode.OK;
    }
}
