package io.baton.deploy;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.baton.bench.frame.Results;
import io.baton.bench.frame.RunFacts;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.suite.SamenessSuite;
import io.baton.common.testkit.RealModels;
import io.baton.deploy.cli.UpProcess;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Class E0 over real processes and sockets: the whole matrix on the tiny model, a part of it on
 * each real one.
 */
class SamenessTest {
    private static boolean passes(Map<String, String> options) throws Exception {
        try (Results results =
                new Results(
                        RunFacts.read(Path.of(System.getProperty("baton.root", ".."))),
                        null,
                        System.out)) {
            return new SamenessSuite()
                    .run(new SuiteContext(false, options, results, UpProcess.launcher(Map.of())));
        }
    }

    @Test
    void theTinyModelInAllShapes() throws Exception {
        assertTrue(passes(Map.of("demo", "true", "prompts", "100", "tokens", "16")));
    }

    @ParameterizedTest
    @CsvSource({"smollm2-135m, true", "gemma3-270m, false"})
    void theRealModels(String model, boolean chat) throws Exception {
        assumeTrue(RealModels.find(model).isPresent(), model + " cannot be pulled here");
        assertTrue(
                passes(
                        Map.of(
                                "model",
                                model,
                                "prompts",
                                "4",
                                "tokens",
                                "16",
                                "chat",
                                String.valueOf(chat))));
    }
}
