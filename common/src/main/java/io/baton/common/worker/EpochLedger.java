package io.baton.common.worker;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The newest epoch seen of each request, so that a late or repeated message of an older attempt is
 * known for what it is. Remembers the last {@code capacity} requests. Safe for any thread.
 */
public final class EpochLedger {
    private final Map<String, Integer> newest;

    public EpochLedger(int capacity) {
        newest =
                new LinkedHashMap<>(16, 0.75f, true) {
                    @Override
                    protected boolean removeEldestEntry(Map.Entry<String, Integer> eldest) {
                        return size() > capacity;
                    }
                };
    }

    /** Notes an attempt; false, and nothing is noted, unless it is newer than all seen before. */
    public synchronized boolean admit(String requestId, int epoch) {
        Integer last = newest.get(requestId);
        if (last != null && epoch <= last) {
            return false;
        }
        newest.put(requestId, epoch);
        return true;
    }
}
