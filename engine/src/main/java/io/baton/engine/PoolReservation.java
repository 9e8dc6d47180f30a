package io.baton.engine;

import io.baton.common.kv.KvLayout;
import io.baton.kernels.KvPages;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A sequence's blocks as seen from outside the engine. Copies run on the caller's thread under the
 * sequence's monitor, so blocks never change owner under a copy; the monitor is the innermost lock.
 */
final class PoolReservation implements Reservation {
    private final DefaultEngineLoop loop;
    private final Sequence sequence;
    private final KvPages pages;

    /** Block layers written so far, {@code layer * knownBlocks + block}; under the monitor. */
    private final BitSet written = new BitSet();

    private boolean writable = true;

    PoolReservation(DefaultEngineLoop loop, Sequence sequence, KvPages pages) {
        this.loop = loop;
        this.sequence = sequence;
        this.pages = pages;
    }

    Sequence sequence() {
        return sequence;
    }

    boolean isOf(DefaultEngineLoop candidate) {
        return loop == candidate;
    }

    @Override
    public SequenceSpec spec() {
        return sequence.spec;
    }

    @Override
    public KvLayout layout() {
        return pages.layout();
    }

    @Override
    public int heldTokens() {
        return sequence.heldTokens;
    }

    @Override
    public void read(int layer, int firstBlock, MemorySegment target) {
        int bytes = layout().blockLayerBytes();
        synchronized (sequence) {
            int[] blocks = sequence.blocks();
            int count = checkRange(layer, firstBlock, target.byteSize(), blocks.length);
            for (int i = 0; i < count; i++) {
                pages.buffer()
                        .read(
                                pages.offset(layer, blocks[firstBlock + i]),
                                target.asSlice((long) i * bytes, bytes));
            }
        }
    }

    @Override
    public void write(int layer, int firstBlock, MemorySegment source) {
        int bytes = layout().blockLayerBytes();
        synchronized (sequence) {
            int[] blocks = sequence.blocks();
            int count = checkWritable(layer, firstBlock, source.byteSize());
            for (int i = 0; i < count; i++) {
                pages.buffer()
                        .write(
                                pages.offset(layer, blocks[firstBlock + i]),
                                source.asSlice((long) i * bytes, bytes));
            }
            written(layer, firstBlock, count);
        }
    }

    @Override
    public @Nullable List<MemorySegment> room(int layer, int firstBlock, int blocks) {
        int bytes = layout().blockLayerBytes();
        MemorySegment pool = pages.buffer().onHost().orElse(null);
        if (pool == null) {
            return null;
        }
        synchronized (sequence) {
            checkWritable(layer, firstBlock, (long) blocks * bytes);
            int[] all = sequence.blocks();
            return IntStream.range(firstBlock, firstBlock + blocks)
                    .mapToObj(block -> pool.asSlice(pages.offset(layer, all[block]), bytes))
                    .toList();
        }
    }

    @Override
    public void written(int layer, int firstBlock, int blocks) {
        synchronized (sequence) {
            checkWritable(layer, firstBlock, (long) blocks * layout().blockLayerBytes());
            int at = layer * layout().blocksFor(sequence.known) + firstBlock;
            written.set(at, at + blocks);
        }
    }

    /** How many blocks these bytes are; refused where they may not be written. */
    private int checkWritable(int layer, int firstBlock, long bytes) {
        int count = checkRange(layer, firstBlock, bytes, sequence.blocks().length);
        if (!writable || firstBlock < heldBlocks()) {
            throw new IllegalStateException(
                    "%s: block %d is %s"
                            .formatted(
                                    spec().id(),
                                    firstBlock,
                                    writable
                                            ? "held: others read it"
                                            : "in use: the engine runs on it"));
        }
        return count;
    }

    @Override
    public void keepWritten(int tokens) {
        synchronized (sequence) {
            if (tokens == sequence.heldTokens) {
                return;
            }
            int blocks = tokens / layout().blockTokens();
            if (!writable
                    || tokens % layout().blockTokens() != 0
                    || tokens < sequence.heldTokens
                    || tokens >= sequence.known) {
                throw new IllegalStateException(
                        "%s: %d of %d tokens cannot be kept"
                                .formatted(spec().id(), tokens, sequence.known));
            }
            requireWritten(blocks);
            sequence.heldTokens = tokens;
        }
        // Outside of the monitor, which is the innermost lock.
        loop.keep(sequence, tokens);
    }

    /** From here on the engine writes; a second call, or one after close, is refused. */
    void seal() {
        synchronized (sequence) {
            if (!writable) {
                throw new IllegalStateException(
                        "%s was started or closed before".formatted(spec().id()));
            }
            writable = false;
        }
    }

    /** As {@link #seal}, and refused while a block of the known tokens was never written. */
    void sealFilled() {
        synchronized (sequence) {
            requireWritten(layout().blocksFor(sequence.known));
            seal();
        }
    }

    /** Refuses if a layer of one of the first {@code blocks} was neither held nor written. */
    private void requireWritten(int blocks) {
        int knownBlocks = layout().blocksFor(sequence.known);
        for (int layer = 0; layer < layout().layers(); layer++) {
            int missing = written.nextClearBit(layer * knownBlocks + heldBlocks());
            if (missing < layer * knownBlocks + blocks) {
                throw new IllegalStateException(
                        "%s: block %d of layer %d has not arrived"
                                .formatted(spec().id(), missing - layer * knownBlocks, layer));
            }
        }
    }

    private int heldBlocks() {
        return sequence.heldTokens / layout().blockTokens();
    }

    private int checkRange(int layer, int firstBlock, long size, int blocks) {
        long count = size / layout().blockLayerBytes();
        if (size % layout().blockLayerBytes() != 0
                || layer < 0
                || layer >= layout().layers()
                || firstBlock < 0
                || count > blocks - firstBlock) {
            throw new IllegalStateException(
                    "%s has %d layers of %d blocks of %d bytes here; asked for %d bytes from block %d of layer %d"
                            .formatted(
                                    spec().id(),
                                    layout().layers(),
                                    blocks,
                                    layout().blockLayerBytes(),
                                    size,
                                    firstBlock,
                                    layer));
        }
        return (int) count;
    }

    @Override
    public void close() {
        synchronized (sequence) {
            writable = false;
        }
        loop.release(sequence);
    }
}
