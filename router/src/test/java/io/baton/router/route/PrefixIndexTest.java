package io.baton.router.route;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.kv.ChunkKey;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefixIndexTest {
    private static List<ChunkKey> keys(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(
                        i -> {
                            byte[] bytes = new byte[ChunkKey.BYTES];
                            bytes[0] = (byte) i;
                            bytes[1] = (byte) (i >> 8);
                            return ChunkKey.of(bytes);
                        })
                .toList();
    }

    @Test
    void theLongestPrefixCounts() {
        PrefixIndex index = new PrefixIndex(100);
        index.record("a", 1, keys(0, 5));
        index.record("b", 1, keys(0, 2));
        assertEquals(Map.of("a", 80, "b", 32), index.held(keys(0, 10), 16));
        assertEquals(Map.of(), index.held(keys(5, 10), 16));
    }

    @Test
    void theOldestBlocksLeaveFirstAndTheBoundHolds() {
        PrefixIndex index = new PrefixIndex(4);
        index.record("a", 1, keys(0, 3));
        index.record("a", 1, keys(10, 13));
        assertEquals(Map.of("a", 48), index.held(keys(10, 13), 16));
        assertEquals(Map.of("a", 16), index.held(keys(0, 3), 16), "its first block is kept last");
    }

    @Test
    void anotherIncarnationHoldsNothing() {
        PrefixIndex index = new PrefixIndex(100);
        index.record("a", 1, keys(0, 5));
        index.forget("a", 2);
        assertEquals(Map.of("a", 80), index.held(keys(0, 5), 16));
        index.record("a", 2, keys(7, 8));
        assertEquals(Map.of(), index.held(keys(0, 5), 16));
        index.forget("a", 2);
        assertEquals(Map.of(), index.held(keys(7, 8), 16));
    }
}
