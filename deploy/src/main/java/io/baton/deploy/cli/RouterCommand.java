package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.config.Settings;
import io.baton.router.RouterOptions;
import io.baton.router.RouterServer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;

/** {@code baton router}: the OpenAI endpoint; workers join it. */
@Command(name = "router", description = "Runs a router that workers join.")
final class RouterCommand extends Configured {
    private static final Logger LOG = LoggerFactory.getLogger(RouterCommand.class);

    @Override
    public Integer call() throws Exception {
        Configuration configuration = configuration();
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (RouterServer router = RouterServer.start(RouterOptions.from(configuration), meters)) {
            LOG.info(
                    "router serves http://{}/v1 and takes workers on port {}",
                    router.httpAddress(),
                    router.controlPort());
            Shutdown.await();
            if (!router.drain(configuration.get(Settings.DRAIN_TIMEOUT).toNanos())) {
                LOG.warn("requests were still open after drain.timeout; they are ended");
            }
        }
        return ExitCode.OK;
    }
}
