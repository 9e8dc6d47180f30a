package io.baton.router.route;

import io.baton.common.kv.ChunkKey;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which prefix blocks each worker has probably kept, from what was sent to it: per worker a bounded
 * set of block keys, least recently used first out. A guess that steers; the worker's own answer
 * counts. Safe for any thread.
 */
public final class PrefixIndex {
    private final int maxBlocksPerWorker;
    private final Map<String, Blocks> workers = new HashMap<>();

    private record Blocks(long incarnation, LinkedHashMap<ChunkKey, Boolean> keys) {}

    /** An index of at most so many blocks a worker; 0 remembers nothing. */
    public PrefixIndex(int maxBlocksPerWorker) {
        this.maxBlocksPerWorker = maxBlocksPerWorker;
    }

    /** A worker now holds the blocks with these keys, first to last. */
    public synchronized void record(String worker, long incarnation, List<ChunkKey> keys) {
        Blocks blocks = workers.get(worker);
        if (blocks == null || blocks.incarnation() != incarnation) {
            blocks = new Blocks(incarnation, new LinkedHashMap<>(16, 0.75f, true));
            workers.put(worker, blocks);
        }
        // Last first, so that a prefix outlives what builds upon it.
        for (int i = Math.min(keys.size(), maxBlocksPerWorker) - 1; i >= 0; i--) {
            blocks.keys().put(keys.get(i), Boolean.TRUE);
        }
        var eldest = blocks.keys().entrySet().iterator();
        while (blocks.keys().size() > maxBlocksPerWorker) {
            eldest.next();
            eldest.remove();
        }
    }

    /** Forgets a worker. */
    public synchronized void forget(String worker, long incarnation) {
        Blocks blocks = workers.get(worker);
        if (blocks != null && blocks.incarnation() == incarnation) {
            workers.remove(worker);
        }
    }

    /** Worker id to the number of leading tokens that it probably holds. */
    public synchronized Map<String, Integer> held(List<ChunkKey> keys, int blockTokens) {
        Map<String, Integer> held = new HashMap<>();
        workers.forEach(
                (worker, blocks) -> {
                    int matched = 0;
                    while (matched < keys.size() && blocks.keys().containsKey(keys.get(matched))) {
                        matched++;
                    }
                    if (matched > 0) {
                        held.put(worker, matched * blockTokens);
                    }
                });
        return held;
    }
}
