package io.baton.deploy;

import io.baton.bench.client.OpenAiClient;
import io.baton.deploy.cli.UpProcess;
import java.util.ArrayList;
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

    /** Waits until so many workers hold a lease. */
    static void awaitCount(UpProcess cluster, int count) throws Exception {
        await(cluster, "all workers are back", workers -> workers.size() == count);
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

    private static void await(UpProcess cluster, String what, Condition condition)
            throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        List<JsonNode> workers = List.of();
        while (System.nanoTime() < deadline) {
            try (OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
                workers = of(client.get("/admin/workers"));
            }
            if (condition.holds(workers)) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("waited a minute in vain until " + what + ": " + workers);
    }
}
