package io.baton.kv.transfer;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where KV goes. Called on the channel's thread; must copy and return. A sink whose memory can be
 * read to directly offers {@link #room}.
 */
@FunctionalInterface
public interface KvSink {
    /**
     * One layer of consecutive blocks, checksum verified where it came over a link.
     *
     * @param firstBlock index in the sequence
     * @param bytes a multiple of {@code layout.blockLayerBytes()}; valid during the call only
     */
    void accept(int layer, int firstBlock, MemorySegment bytes);

    /**
     * The memory of one layer of consecutive blocks, in order and as long as they are, to be filled
     * from outside; null if they are to come by {@link #accept}. What is written there means
     * nothing before {@link #filled}, and {@link #accept} may still come instead.
     */
    default @Nullable List<MemorySegment> room(int layer, int firstBlock, int blocks) {
        return null;
    }

    /** What {@link #room} gave holds verified KV now. */
    default void filled(int layer, int firstBlock, int blocks) {}
}
