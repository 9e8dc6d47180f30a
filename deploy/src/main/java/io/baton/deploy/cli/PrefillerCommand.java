package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
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
    Running start(
            Configuration configuration,
            String id,
            Composition.Served served,
            PrometheusMeterRegistry meters) {
        return running(Composition.prefiller(configuration, id, served, meters));
    }
}
