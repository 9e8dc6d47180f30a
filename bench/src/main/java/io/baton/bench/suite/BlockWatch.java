package io.baton.bench.suite;

import io.baton.bench.client.OpenAiClient;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * Sees through the router's {@code /admin/workers} when no worker holds a block for a request any
 * more. Its sight is as fine as a heartbeat and one look; a status counts only if it was made after
 * the question: the second heartbeat from then, as the first may have been under way. So what it
 * says is late by up to two heartbeats, never early.
 */
final class BlockWatch {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final OpenAiClient client;

    BlockWatch(OpenAiClient client) {
        this.client = client;
    }

    /** Waits until all blocks are free; returns the reading of the nano clock then. */
    long awaitFree() throws IOException, InterruptedException {
        long begin = System.nanoTime();
        Map<String, Long> before = heartbeats();
        while (System.nanoTime() - begin < LIMIT_NANOS) {
            JsonNode page = client.get("/admin/workers");
            if (isFree(page, before)) {
                return System.nanoTime();
            }
            TimeUnit.NANOSECONDS.sleep(LOOK_NANOS);
        }
        throw new IOException("blocks are still held after 30 s: " + client.get("/admin/workers"));
    }

    private Map<String, Long> heartbeats() throws IOException, InterruptedException {
        Map<String, Long> heartbeats = new HashMap<>();
        for (JsonNode pool : client.get("/admin/workers").path("pools")) {
            for (JsonNode worker : pool.path("workers")) {
                heartbeats.put(worker.path("id").asString(), worker.path("heartbeats").asLong());
            }
        }
        return heartbeats;
    }

    private static boolean isFree(JsonNode page, Map<String, Long> before) {
        int seen = 0;
        for (JsonNode pool : page.path("pools")) {
            for (JsonNode worker : pool.path("workers")) {
                seen++;
                Long old = before.get(worker.path("id").asString());
                if (old == null
                        || worker.path("heartbeats").asLong() < old + 2
                        || worker.path("in_flight").asInt(-1) != 0
                        || worker.path("reserved_blocks").asInt(-1) != 0
                        || worker.path("active_blocks").asInt(-1) != 0) {
                    return false;
                }
            }
        }
        return seen > 0 && seen == before.size();
    }
}
