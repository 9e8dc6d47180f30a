package io.baton.deploy;

import io.baton.deploy.cli.UpProcess;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * kill -9 of workers under load, in real processes: no request is lost, no token differs from an
 * undisturbed run, and all blocks come back. Class E0.
 */
class KillTest {
    @Test
    void twoKillsOfEachKind() throws Exception {
        killEach(2);
    }

    @Test
    @Tag("soak")
    void twentyKillsOfEachKind() throws Exception {
        killEach(20);
    }

    private static void killEach(int kills) throws Exception {
        try (UpProcess cluster =
                UpProcess.start(
                        List.of("--demo", "--processes", "--prefillers", "2", "--decoders", "2"),
                        Map.of("BATON_ROUTE_LOCAL_PREFILL_TOKENS", "16"))) {
            Load load = new Load(cluster);
            load.learnAnswers();
            load.start();
            for (String role : List.of("prefiller", "decoder")) {
                for (int i = 0; i < kills; i++) {
                    JsonNode victim = Workers.busiest(cluster, role);
                    ProcessHandle.of(Workers.process(cluster, victim).pid())
                            .ifPresent(ProcessHandle::destroyForcibly);
                    load.awaitAnswers(2);
                    Workers.awaitAnew(cluster, victim);
                    Workers.awaitCount(cluster, 4);
                }
            }
            load.stopAndCheck();
            Workers.awaitIdle(cluster);
        }
    }
}
