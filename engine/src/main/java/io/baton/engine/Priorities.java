package io.baton.engine;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who goes first by priority, and how long a priority is passed over. The lower number goes first.
 * Of a priority in which someone waits for a place or for rows of prefill, one sequence at least is
 * put before all others for every {@code patienceTokens} that are computed; the k-th of its
 * priority therefore waits for at most k times as many. The clock is the tokens computed. The
 * scheduler's own; not safe for several threads.
 */
final class Priorities {
    private final long patienceTokens;
    private long computed;

    /** Reading of the clock when a priority in want was last served, or came to be in want. */
    private final TreeMap<Integer, Long> since = new TreeMap<>();

    Priorities(long patienceTokens) {
        this.patienceTokens = patienceTokens;
    }

    /** So many tokens are computed. */
    void computed(int tokens) {
        computed += tokens;
    }

    /** These priorities are in want now; the others are forgotten. */
    void inWant(Set<Integer> priorities) {
        since.keySet().retainAll(priorities);
        for (Integer priority : priorities) {
            since.putIfAbsent(priority, computed);
        }
    }

    /** A sequence of the priority got a place, or rows of prefill. */
    void served(int priority) {
        since.replace(priority, computed);
    }

    /**
     * The priority that was passed over longest and too long; null if none was. Not the first of
     * those in want: it is next anyway.
     */
    @Nullable Integer overdue() {
        Integer found = null;
        long oldest = computed - patienceTokens + 1;
        for (Map.Entry<Integer, Long> entry : since.entrySet()) {
            if (!entry.getKey().equals(since.firstKey()) && entry.getValue() < oldest) {
                oldest = entry.getValue();
                found = entry.getKey();
            }
        }
        return found;
    }
}
