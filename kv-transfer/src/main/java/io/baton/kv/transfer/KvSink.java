package io.baton.kv.transfer;

import java.lang.foreign.MemorySegment;

/** Where verified KV goes. Called on the channel's thread; must copy and return. */
@FunctionalInterface
public interface KvSink {
    /**
     * One layer of consecutive blocks, checksum verified where it came over a link.
     *
     * @param firstBlock index in the sequence
     * @param bytes a multiple of {@code layout.blockLayerBytes()}; valid during the call only
     */
    void accept(int layer, int firstBlock, MemorySegment bytes);
}
