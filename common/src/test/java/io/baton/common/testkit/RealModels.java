package io.baton.common.testkit;

import io.baton.common.error.BatonException;
import io.baton.common.model.ModelPuller;
import io.baton.common.model.ModelStore;
import io.baton.common.model.PullListener;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Assumptions;

/**
 * The catalogue's models for tests that need them: pulled into the user's store once, where they
 * can be pulled. Terms that ask for consent are agreed to only if the environment variable
 * ACCEPT_MODEL_LICENSES is {@code yes}.
 */
public final class RealModels {
    private static final Map<String, Optional<Path>> FOUND = new ConcurrentHashMap<>();

    private RealModels() {}

    /** The model's file; empty, with a loud line on stderr, where it cannot be had. */
    public static Optional<Path> find(String name) {
        return FOUND.computeIfAbsent(name, RealModels::pull);
    }

    /** The model's file; where it cannot be had the test is skipped. */
    public static Path require(String name) {
        Optional<Path> file = find(name);
        Assumptions.assumeTrue(file.isPresent(), "the model " + name + " cannot be pulled here");
        return file.orElseThrow();
    }

    private static Optional<Path> pull(String name) {
        ModelStore store =
                ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")));
        boolean consent = "yes".equals(System.getenv("ACCEPT_MODEL_LICENSES"));
        try (ModelPuller puller = ModelPuller.standard(store, System.getenv())) {
            return Optional.of(puller.pull(name, consent, PullListener.silent()).path());
        } catch (BatonException e) {
            System.err.println("SKIPPED: TESTS ON THE REAL MODEL " + name + ": " + e.text());
            return Optional.empty();
        }
    }
}
