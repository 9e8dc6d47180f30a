package io.baton.common.testkit;

import io.baton.common.error.BatonException;
import io.baton.common.model.ModelStore;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** The catalogue's models, where they have been pulled on this machine. */
public final class RealModels {
    private RealModels() {}

    /** The file of a catalogue model, empty where it was not pulled. */
    public static Optional<Path> find(String name) {
        ModelStore store =
                ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")));
        try {
            return Optional.of(store.resolve(name).path());
        } catch (BatonException e) {
            return Optional.empty();
        }
    }

    /** The file of a catalogue model; where it was not pulled the test is skipped, and says so. */
    public static Path require(String name) {
        Optional<Path> file = find(name);
        if (file.isEmpty()) {
            String line = "SKIPPED: the model %s is not here; run: baton model pull %s";
            System.err.println(line.formatted(name, name));
            Assumptions.abort(line.formatted(name, name));
        }
        return file.orElseThrow();
    }
}
