package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.worker.Worker;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import picocli.CommandLine.Command;

/** {@code baton prefiller}: one prefiller that joins a router. */
@Command(name = "prefiller", description = "Runs one prefiller that joins a router.")
final class PrefillerCommand extends WorkerCommands {
    @Override
    String role() {
        return "prefiller";
    }

    @Override
    Worker start(
            Configuration configuration,
            String id,
            Composition.Served served,
            PrometheusMeterRegistry meters) {
        return Composition.prefiller(configuration, id, Composition.ALONE, served, meters);
    }
}
