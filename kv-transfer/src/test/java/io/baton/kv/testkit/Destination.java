package io.baton.kv.testkit;

import io.baton.common.error.BatonException;
import io.baton.kv.transfer.InboundListener;
import io.baton.kv.transfer.KvSink;
import io.baton.kv.transfer.TransferSpec;
import io.baton.kv.transfer.TransferStats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * A sink that keeps what comes, and a listener that counts its calls. Even layers may be read
 * straight to their room, odd ones are given.
 */
public final class Destination implements KvSink, InboundListener {
    public final AtomicInteger completions = new AtomicInteger();
    public final AtomicInteger failures = new AtomicInteger();
    public final AtomicInteger callsAfterClose = new AtomicInteger();
    public volatile boolean closed;
    public volatile BatonException reason;
    public volatile byte[] trailer = new byte[0];
    public volatile TransferStats stats;
    public final AtomicInteger placements = new AtomicInteger();

    /** How often memory was given to be read to. */
    public final AtomicInteger rooms = new AtomicInteger();

    private final TransferSpec spec;
    private final int firstBlock;
    private final int blocks;
    private final MemorySegment memory;
    private final boolean[] placed;
    private final CountDownLatch end = new CountDownLatch(1);

    public Destination(TransferSpec spec) {
        this.spec = spec;
        this.firstBlock = spec.fromToken() / spec.layout().blockTokens();
        this.blocks = spec.layout().blocksFor(spec.toToken()) - firstBlock;
        long bytes = (long) spec.layout().layers() * blocks * spec.layout().blockLayerBytes();
        this.memory = Arena.ofAuto().allocate(bytes, 8);
        this.placed = new boolean[spec.layout().layers() * blocks];
    }

    @Override
    public void accept(int layer, int block, MemorySegment bytes) {
        int size = spec.layout().blockLayerBytes();
        filled(layer, block, (int) (bytes.byteSize() / size));
        long at = (long) (layer * blocks + block - firstBlock) * size;
        MemorySegment.copy(bytes, 0, memory, at, bytes.byteSize());
    }

    @Override
    public List<MemorySegment> room(int layer, int block, int count) {
        if (layer % 2 == 1) {
            return null;
        }
        rooms.incrementAndGet();
        int size = spec.layout().blockLayerBytes();
        int at = layer * blocks + block - firstBlock;
        return IntStream.range(at, at + count)
                .mapToObj(i -> memory.asSlice((long) i * size, size))
                .toList();
    }

    @Override
    public void filled(int layer, int block, int count) {
        if (closed) {
            callsAfterClose.incrementAndGet();
        }
        int at = layer * blocks + block - firstBlock;
        for (int i = 0; i < count; i++) {
            if (placed[at + i]) {
                throw new IllegalStateException("placed twice: layer " + layer);
            }
            placed[at + i] = true;
        }
        placements.incrementAndGet();
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

    /** All memory as it is now, verified or not. */
    public byte[] bytes() {
        return memory.toArray(ValueLayout.JAVA_BYTE);
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
                        memory.asSlice((long) at * size, size)
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
