package io.baton.deploy.cli;

import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.RouteSettings;
import io.baton.common.model.StoredModel;
import io.baton.common.worker.Worker;
import io.baton.engine.ModelRuntime;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the commands of the two worker roles share: load the model, start, serve until a signal,
 * drain.
 */
abstract class WorkerCommands extends Configured {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerCommands.class);

    /** The role's name, also the start of its default id. */
    abstract String role();

    abstract Worker start(
            Configuration configuration,
            String id,
            Composition.Served served,
            PrometheusMeterRegistry meters);

    @Override
    public final Integer call() throws Exception {
        Configuration configuration = configuration();
        StoredModel model = Composition.model(configuration, Progress.onTerminal());
        String id = configuration.get(ClusterSettings.WORKER_ID).orElseGet(() -> defaultId(role()));
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (ModelRuntime runtime = Composition.runtime(configuration, model);
                Worker running =
                        start(configuration, id, new Composition.Served(model, runtime), meters)) {
            LOG.info(
                    "{} {} serves {} at {} ({}; {})",
                    role(),
                    id,
                    model.name(),
                    running.controlAddress(),
                    runtime.kernels().profile().label(),
                    runtime.kernels().reason());
            Shutdown.await();
            if (!running.drain(configuration.get(RouteSettings.DRAIN_TIMEOUT).toNanos())) {
                LOG.warn("{} did not drain in time; what is left is ended", id);
            }
        }
        return ExitCode.OK;
    }

    /** Role, host and process: unique in a cluster without asking anybody. */
    static String defaultId(String role) {
        String host = System.getenv().getOrDefault("HOSTNAME", "local");
        return (role + "-" + host + "-" + ProcessHandle.current().pid()).replaceAll("[^!-~]", "_");
    }
}
