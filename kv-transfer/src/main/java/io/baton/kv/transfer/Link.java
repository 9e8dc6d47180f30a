package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.transfer.Connecting.Connected;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a receiver. Who comes first connects, the others wait for the same attempt, so
 * a dead receiver costs each caller one connection time and not a queue of them.
 */
final class Link {
    private @Nullable CompletableFuture<Connected> opened;
    private long unusedNanos;

    Link(long nowNanos) {
        unusedNanos = nowNanos;
    }

    /** Whether there is no channel, nor one being made. */
    synchronized boolean isUnused() {
        return opened == null;
    }

    /** Makes a connection. */
    @FunctionalInterface
    interface Connect {
        Connected connect() throws InterruptedException;
    }

    /** The channel, connected if need be. Blocks for at most the handshake time. */
    Connected channel(Connect connect) throws InterruptedException {
        CompletableFuture<Connected> mine = new CompletableFuture<>();
        CompletableFuture<Connected> shared;
        synchronized (this) {
            if (opened == null) {
                opened = mine;
            }
            shared = opened;
        }
        if (shared == mine) {
            try {
                mine.complete(connect.connect());
            } catch (RuntimeException | InterruptedException e) {
                forget(mine);
                mine.completeExceptionally(e);
                throw e;
            }
        }
        try {
            return shared.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof BatonException reason) {
                throw new BatonException(reason.code(), reason.text(), reason.param(), reason);
            }
            throw new IllegalStateException("another caller's attempt to connect failed", e);
        }
    }

    /** The open channel, null if there is none. */
    @Nullable KvChannel current() {
        Connected known = connected();
        return known == null ? null : known.channel();
    }

    /** What carries the open channel, null if there is none. */
    @Nullable Carrier carrier() {
        Connected known = connected();
        return known == null ? null : known.carrier();
    }

    private synchronized @Nullable Connected connected() {
        CompletableFuture<Connected> known = opened;
        return known == null || !known.isDone() || known.isCompletedExceptionally()
                ? null
                : known.join();
    }

    /** The next transfer makes a new channel instead of this one. */
    synchronized void forget(KvChannel channel) {
        if (current() == channel) {
            opened = null;
        }
    }

    private synchronized void forget(CompletableFuture<Connected> attempt) {
        if (opened == attempt) {
            opened = null;
        }
    }

    /** How long the link has had transfers: silence counts for no longer. I/O thread. */
    long usedForNanos(boolean usedNow, long nowNanos) {
        if (!usedNow) {
            unusedNanos = nowNanos;
        }
        return nowNanos - unusedNanos;
    }
}
