package io.baton.kv.testkit;

import io.baton.common.error.BatonException;
import io.baton.kv.transfer.InboundListener;
import io.baton.kv.transfer.KvSink;
import io.baton.kv.transfer.TransferSpec;
import io.baton.kv.transfer.TransferStats;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A sink that keeps what comes, and a listener that counts its calls. */
public final class Destination implements KvSink, InboundListener {
    public final AtomicInteger completions = new AtomicInteger();
    public final AtomicInteger failures = new AtomicInteger();
    public final AtomicInteger callsAfterClose = new AtomicInteger();
    public volatile boolean closed;
    public volatile BatonException reason;
    public volatile byte[] trailer = new byte[0];
    public volatile TransferStats stats;
    public final AtomicInteger placements = new AtomicInteger();

    private final TransferSpec spec;
    private final int firstBlock;
    private final int blocks;
    private final byte[] memory;
    private final boolean[] placed;
    private final CountDownLatch end = new CountDownLatch(1);

    public Destination(TransferSpec spec) {
        this.spec = spec;
        this.firstBlock = spec.fromToken() / spec.layout().blockTokens();
        this.blocks = spec.layout().blocksFor(spec.toToken()) - firstBlock;
        this.memory = new byte[spec.layout().layers() * blocks * spec.layout().blockLayerBytes()];
        this.placed = new boolean[spec.layout().layers() * blocks];
    }

    @Override
    public void accept(int layer, int block, MemorySegment bytes) {
        if (closed) {
            callsAfterClose.incrementAndGet();
        }
        int size = spec.layout().blockLayerBytes();
        int count = (int) (bytes.byteSize() / size);
        int at = layer * blocks + block - firstBlock;
        for (int i = 0; i < count; i++) {
            if (placed[at + i]) {
                throw new IllegalStateException("placed twice: layer " + layer);
            }
            placed[at + i] = true;
        }
        placements.incrementAndGet();
        MemorySegment.copy(
                bytes, ValueLayout.JAVA_BYTE, 0, memory, at * size, (int) bytes.byteSize());
    }

    @Override
    public void onComplete(byte[] bytes, TransferStats transferStats) {
        if (closed) {
            callsAfterClose.incrementAndGet();
        }
        trailer = bytes;
        stats = transferStats;
        completions.incrementAndGet();
        end.countDown();
    }

    @Override
    public void onFailed(BatonException failure) {
        if (closed) {
            callsAfterClose.incrementAndGet();
        }
        reason = failure;
        failures.incrementAndGet();
        end.countDown();
    }

    /** Waits for the end, whichever it is. */
    public boolean awaitEnd() throws InterruptedException {
        return end.await(Kv.LIMIT.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** As {@link #awaitEnd}, for threads that nobody interrupts. */
    public void awaitEndUnchecked() {
        try {
            awaitEnd();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public boolean awaitEndMillis(long millis) throws InterruptedException {
        return end.await(millis, TimeUnit.MILLISECONDS);
    }

    /** Whether every byte is that of the seed. */
    public boolean holds(long seed) {
        return wrongBlocks(seed, true) == 0;
    }

    /** Block layers that were placed and differ from the seed's. */
    public int wrongPlaced(long seed) {
        return wrongBlocks(seed, false);
    }

    private int wrongBlocks(long seed, boolean alsoMissing) {
        int size = spec.layout().blockLayerBytes();
        int wrong = 0;
        for (int layer = 0; layer < spec.layout().layers(); layer++) {
            MemorySegment expected = Kv.bytes(spec, seed, layer, firstBlock, blocks);
            for (int i = 0; i < blocks; i++) {
                int at = layer * blocks + i;
                boolean same =
                        MemorySegment.ofArray(memory)
                                        .asSlice((long) at * size, size)
                                        .mismatch(expected.asSlice((long) i * size, size))
                                == -1;
                if (placed[at] ? !same : alsoMissing) {
                    wrong++;
                }
            }
        }
        return wrong;
    }
}
