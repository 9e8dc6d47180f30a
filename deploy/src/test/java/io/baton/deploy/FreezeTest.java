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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * SIGSTOP of workers under load, in real processes: their sockets stay open, yet they say nothing.
 * No request is lost, no token differs from an undisturbed run, and all blocks come back, whether
 * the worker then goes on or is killed. Class E0.
 */
@EnabledOnOs({OS.LINUX, OS.MAC})
class FreezeTest {
    @Test
    void frozenWorkersAreReplaced() throws Exception {
        freezeEach(Map.of(), (load, cluster, leg) -> load.awaitAnswers(2));
    }

    /** Lease and transfer outlive the test: only the silence of the calls themselves can tell. */
    @Test
    void frozenWorkersAreReplacedThoughTheyKeepTheirLease() throws Exception {
        freezeEach(
                Map.of("BATON_CLUSTER_LEASE", "10m", "BATON_TRANSFER_STALL", "10m"),
                (load, cluster, leg) -> {
                    double before = stalls(cluster, leg);
                    load.await(() -> stalls(cluster, leg) > before);
                    load.awaitAnswers(2);
                });
    }

    /** What is waited for while a worker is frozen. */
    private interface Meanwhile {
        void await(Load load, UpProcess cluster, String leg) throws Exception;
    }

    private static void freezeEach(Map<String, String> settings, Meanwhile meanwhile)
            throws Exception {
        Map<String, String> environment = new HashMap<>(settings);
        environment.put("BATON_ROUTE_LOCAL_PREFILL_TOKENS", "16");
        try (UpProcess cluster =
                UpProcess.start(
                        List.of("--demo", "--processes", "--prefillers", "2", "--decoders", "2"),
                        environment)) {
            Load load = new Load(cluster);
            load.learnAnswers();
            load.start();
            load.awaitAnswers(1);
            for (String role : List.of("prefiller", "decoder")) {
                for (String end : List.of("CONT", "KILL")) {
                    RoleProcess victim = victim(cluster, role);
                    signal("STOP", victim);
                    meanwhile.await(load, cluster, role.equals("decoder") ? "decode" : "prefill");
                    signal(end, victim);
                    if (end.equals("KILL")) {
                        load.await(() -> !cluster.processes().contains(victim));
                    }
                    Workers.awaitCount(cluster, 4);
                    load.awaitAnswers(2);
                }
            }
            load.stopAndCheck();
            Workers.awaitIdle(cluster);
        }
    }

    private static RoleProcess victim(UpProcess cluster, String role) {
        return cluster.processes().stream()
                .filter(process -> process.role().startsWith(role))
                .findFirst()
                .orElseThrow();
    }

    private static void signal(String name, RoleProcess process) throws Exception {
        Process kill =
                new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                        .inheritIO()
                        .start();
        assertTrue(kill.waitFor(20, TimeUnit.SECONDS), "kill hangs");
        assertEquals(0, kill.exitValue());
    }

    /** Legs that the router has given up because they were silent. */
    private static double stalls(UpProcess cluster, String leg) throws Exception {
        String name = "baton_router_stalls_total{leg=\"%s\"} ".formatted(leg);
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(cluster.url().resolve("/metrics")).build();
            return client.send(request, BodyHandlers.ofString())
                    .body()
                    .lines()
                    .filter(line -> line.startsWith(name))
                    .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
                    .sum();
        }
    }
}
