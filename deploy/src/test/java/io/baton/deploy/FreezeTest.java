package io.baton.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.bench.frame.ClusterLauncher.RoleProcess;
import io.baton.deploy.cli.UpProcess;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import tools.jackson.databind.JsonNode;

/**
 * SIGSTOP of workers under load, in real processes: their sockets stay open, yet they say nothing.
 * No request is lost, no token differs from an undisturbed run, and all blocks come back, whether
 * the worker then goes on or is killed. Class E0.
 */
@EnabledOnOs({OS.LINUX, OS.MAC})
class FreezeTest {
    private static final int TRIES = 20;

    @Tag("soak")
    @Test
    void frozenWorkersAreReplaced() throws Exception {
        freezeEach(Map.of(), "baton_router_retries_total");
    }

    /** Lease and transfer outlive the test: only the silence of the calls themselves can tell. */
    @Test
    void frozenWorkersAreReplacedThoughTheyKeepTheirLease() throws Exception {
        freezeEach(
                Map.of("BATON_CLUSTER_LEASE", "10m", "BATON_TRANSFER_STALL", "10m"),
                "baton_router_stalls_total");
    }

    /**
     * @param counter of the router, labelled by leg, that says that a frozen worker was given up
     */
    private static void freezeEach(Map<String, String> settings, String counter) throws Exception {
        Map<String, String> environment = new HashMap<>(settings);
        environment.put("BATON_ROUTE_LOCAL_PREFILL_TOKENS", "16");
        try (UpProcess cluster =
                UpProcess.start(
                        List.of("--demo", "--processes", "--prefillers", "2", "--decoders", "2"),
                        environment)) {
            Load load = new Load(cluster);
            load.learnAnswers();
            load.start();
            for (String role : List.of("prefiller", "decoder")) {
                for (String end : List.of("CONT", "KILL")) {
                    JsonNode victim = frozen(cluster, load, role, counter);
                    load.awaitAnswers(1);
                    signal(end, Workers.process(cluster, victim));
                    if (end.equals("KILL")) {
                        Workers.awaitAnew(cluster, victim);
                    }
                    Workers.awaitCount(cluster, 4);
                    load.awaitAnswers(1);
                }
            }
            load.stopAndCheck();
            Workers.awaitIdle(cluster);
        }
    }

    /**
     * Freezes a worker at work and waits until a request was taken from it. One that had just done
     * all its work loses its lease instead: then it goes on, and the next try follows.
     */
    private static JsonNode frozen(UpProcess cluster, Load load, String role, String counter)
            throws Exception {
        String labelled =
                "%s{leg=\"%s\"".formatted(counter, role.equals("decoder") ? "decode" : "prefill");
        for (int i = 0; i < TRIES; i++) {
            JsonNode victim = Workers.busiest(cluster, role);
            double before = count(cluster, labelled);
            signal("STOP", Workers.process(cluster, victim));
            load.await(() -> count(cluster, labelled) > before || Workers.count(cluster) < 4);
            if (count(cluster, labelled) > before) {
                return victim;
            }
            signal("CONT", Workers.process(cluster, victim));
            Workers.awaitCount(cluster, 4);
        }
        throw new AssertionError("no worker was frozen at work in " + TRIES + " tries");
    }

    private static void signal(String name, RoleProcess process) throws Exception {
        Process kill =
                new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                        .inheritIO()
                        .start();
        assertTrue(kill.waitFor(20, TimeUnit.SECONDS), "kill hangs");
        assertEquals(0, kill.exitValue());
    }

    /** The sum of the router's counters whose line begins so. */
    private static double count(UpProcess cluster, String labelled) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(cluster.url().resolve("/metrics")).build();
            return client.send(request, BodyHandlers.ofString())
                    .body()
                    .lines()
                    .filter(line -> line.startsWith(labelled))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                    .sum();
        }
    }
}
