package io.baton.router.fake;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Stands for the channels between workers: a transfer is begun, and some time complete. */
public final class FakeTransfers {
    private static final long WAIT_SECONDS = 20;

    private final AtomicLong last = new AtomicLong();
    private final Map<Long, CompletableFuture<Void>> transfers = new ConcurrentHashMap<>();

    long begin() {
        long id = last.incrementAndGet();
        transfers.put(id, new CompletableFuture<>());
        return id;
    }

    /** A prefiller has sent everything. */
    public void complete(long id) {
        CompletableFuture<Void> transfer = transfers.get(id);
        if (transfer != null) {
            transfer.complete(null);
        }
    }

    void await(long id) throws Exception {
        CompletableFuture<Void> transfer = transfers.get(id);
        if (transfer == null) {
            throw new AssertionError("unknown transfer " + id);
        }
        transfer.get(WAIT_SECONDS, TimeUnit.SECONDS);
    }
}
