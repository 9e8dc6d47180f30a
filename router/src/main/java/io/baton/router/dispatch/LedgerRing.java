package io.baton.router.dispatch;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The ledgers of the last requests, oldest out first. Safe for any thread. */
public final class LedgerRing {
    private final int capacity;
    private final Map<String, RequestLedger> entries = new LinkedHashMap<>();

    public LedgerRing(int capacity) {
        this.capacity = capacity;
    }

    /** Keeps a ledger; one with the same id is replaced. */
    public synchronized void add(RequestLedger ledger) {
        entries.remove(ledger.id());
        entries.put(ledger.id(), ledger);
        if (entries.size() > capacity) {
            entries.remove(entries.keySet().iterator().next());
        }
    }

    /** The ledger of a finished request, if it is still kept. */
    public synchronized Optional<RequestLedger> find(String id) {
        return Optional.ofNullable(entries.get(id));
    }
}
