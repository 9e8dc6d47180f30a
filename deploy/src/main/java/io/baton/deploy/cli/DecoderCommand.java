package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.worker.Worker;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import picocli.CommandLine.Command;

/**
 * {@code baton decoder}: one decoder, or with {@code --colocated} a worker with both roles, that
 * joins a router.
 */
@Command(name = "decoder", description = "Runs one decoder that joins a router.")
final class DecoderCommand extends WorkerCommands {
    @Override
    String role() {
        return "decoder";
    }

    @Override
    Worker start(
            Configuration configuration,
            String id,
            Composition.Served served,
            PrometheusMeterRegistry meters) {
        return Composition.decoder(configuration, id, Composition.ALONE, served, meters);
    }
}
