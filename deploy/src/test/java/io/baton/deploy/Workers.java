package io.baton.deploy;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.frame.ClusterLauncher.RoleProcess;
import io.baton.deploy.cli.UpProcess;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/** Reads {@code /admin/workers}, and waits for what it shows. */
final class Workers {
    private Workers() {}

    /** The workers of all pools. */
    static List<JsonNode> of(JsonNode page) {
        List<JsonNode> workers = new ArrayList<>();
        for (JsonNode pool : page.path("pools")) {
            pool.path("workers").forEach(workers::add);
        }
        return workers;
    }

    /** Workers that hold a lease. */
    static int count(UpProcess cluster) throws Exception {
        try (OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            return of(client.get("/admin/workers")).size();
        }
    }

    /** Waits until so many workers hold a lease. */
    static void awaitCount(UpProcess cluster, int count) throws Exception {
        await(cluster, "all workers are back", workers -> workers.size() == count);
    }

    /** The worker of a role with the most requests on it; waits until one has any. */
    static JsonNode busiest(UpProcess cluster, String role) throws Exception {
        return await(
                        cluster,
                        "a " + role + " is at work",
                        workers -> workers.stream().anyMatch(worker -> isBusy(worker, role)))
                .stream()
                .filter(worker -> isBusy(worker, role))
                .max(Comparator.comparingInt(worker -> worker.path("in_flight").asInt()))
                .orElseThrow();
    }

    private static boolean isBusy(JsonNode worker, String role) {
        return worker.path("id").asString().startsWith(role)
                && worker.path("in_flight").asInt() > 0;
    }

    /** The process of a worker. */
    static RoleProcess process(UpProcess cluster, JsonNode worker) {
        return cluster.processes().stream()
                .filter(process -> process.role().equals(worker.path("id").asString()))
                .findFirst()
                .orElseThrow();
    }

    /** Waits until a worker that was killed is back as a new incarnation. */
    static void awaitAnew(UpProcess cluster, JsonNode worker) throws Exception {
        await(
                cluster,
                worker.path("id") + " is back",
                workers ->
                        workers.stream()
                                .anyMatch(
                                        now ->
                                                now.path("id").equals(worker.path("id"))
                                                        && !now.path("incarnation")
                                                                .equals(
                                                                        worker.path(
                                                                                "incarnation"))));
    }

    /** Waits until no worker holds a block for a request. */
    static void awaitIdle(UpProcess cluster) throws Exception {
        await(
                cluster,
                "no block is held",
                workers -> {
                    for (JsonNode worker : workers) {
                        if (worker.path("active_blocks").asInt(-1) != 0
                                || worker.path("reserved_blocks").asInt(-1) != 0) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    private interface Condition {
        boolean holds(List<JsonNode> workers);
    }

    private static List<JsonNode> await(UpProcess cluster, String what, Condition condition)
            throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        List<JsonNode> workers = List.of();
        while (System.nanoTime() < deadline) {
            try (OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
                workers = of(client.get("/admin/workers"));
            }
            if (condition.holds(workers)) {
                return workers;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("waited a minute in vain until " + what + ": " + workers);
    }
}
