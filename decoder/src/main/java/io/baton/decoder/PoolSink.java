package io.baton.decoder;

import io.baton.engine.Reservation;
import io.baton.kv.transfer.KvSink;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** KV that comes for a sequence goes to its place in the pool, without a copy where that can be. */
record PoolSink(Reservation place) implements KvSink {
    @Override
    public void accept(int layer, int firstBlock, MemorySegment bytes) {
        place.write(layer, firstBlock, bytes);
    }

    @Override
    public @Nullable List<MemorySegment> room(int layer, int firstBlock, int blocks) {
        return place.room(layer, firstBlock, blocks);
    }

    @Override
    public void filled(int layer, int firstBlock, int blocks) {
        place.written(layer, firstBlock, blocks);
    }
}
