package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.config.HttpSettings;
import io.baton.kernels.Kernels;
import picocli.CommandLine.Command;

/** {@code baton doctor}: ends with 4 when something that Baton cannot do without is missing. */
@Command(name = "doctor", description = "Says what this machine has and what is missing.")
final class DoctorCommand extends Configured {
    @Override
    public Integer call() {
        Configuration configuration = configuration();
        String kernels;
        try (Kernels chosen = Composition.kernels(configuration)) {
            kernels = chosen.profile().label() + ": " + chosen.reason();
        }
        boolean good =
                new Doctor()
                        .check(
                                configuration.get(HttpSettings.PORT),
                                ModelCommand.store().folder(),
                                kernels)
                        .print(System.out);
        return good ? ExitCode.OK : ExitCode.UNAVAILABLE;
    }
}
