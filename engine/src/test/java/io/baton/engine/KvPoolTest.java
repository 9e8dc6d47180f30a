package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.baton.common.kv.ChunkKey;
import io.baton.engine.KvPool.Use;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KvPoolTest {
    private static KvPool.Taken take(KvPool pool, List<ChunkKey> prefix, int count) {
        KvPool.Taken taken = pool.take(prefix, count, 0, Use.RESERVED);
        assertNotNull(taken);
        return taken;
    }

    private static ChunkKey key(int id) {
        byte[] bytes = new byte[ChunkKey.BYTES];
        bytes[0] = (byte) id;
        bytes[1] = (byte) (id >> 8);
        return ChunkKey.of(bytes);
    }

    private static void publish(KvPool pool, int[] blocks, int firstKey) {
        for (int i = 0; i < blocks.length; i++) {
            pool.publish(key(firstKey + i), blocks[i]);
        }
    }

    @Test
    void publishedBlocksAreFoundAgainAndShared() {
        KvPool pool = new KvPool(8);
        KvPool.Taken first = take(pool, List.of(), 3);
        publish(pool, first.blocks(), 100);
        List<ChunkKey> prefix = List.of(key(100), key(101), key(102));
        KvPool.Taken second = take(pool, prefix, 4);
        assertEquals(3, second.held());
        assertArrayEquals(first.blocks(), java.util.Arrays.copyOf(second.blocks(), 3));
        assertEquals(4, pool.reserved());
        pool.release(first.blocks(), Use.RESERVED);
        assertEquals(4, pool.reserved());
        pool.release(second.blocks(), Use.RESERVED);
        assertEquals(8, pool.available());
        assertEquals(3, pool.cached());
        pool.checkDeep();
    }

    @Test
    void aPrefixIsFoundOnlyUpToItsFirstGap() {
        KvPool pool = new KvPool(8);
        KvPool.Taken first = take(pool, List.of(), 3);
        pool.publish(key(1), first.blocks()[0]);
        pool.publish(key(3), first.blocks()[2]);
        assertEquals(1, take(pool, List.of(key(1), key(2), key(3)), 3).held());
    }

    @Test
    void evictsTheOldestFirstAndASequencesTailBeforeItsHead() {
        KvPool pool = new KvPool(4);
        KvPool.Taken old = take(pool, List.of(), 2);
        publish(pool, old.blocks(), 1);
        KvPool.Taken young = take(pool, List.of(), 2);
        publish(pool, young.blocks(), 11);
        pool.release(old.blocks(), Use.RESERVED);
        pool.release(young.blocks(), Use.RESERVED);
        int[] evicted = take(pool, List.of(), 3).blocks();
        assertArrayEquals(new int[] {old.blocks()[1], old.blocks()[0], young.blocks()[1]}, evicted);
        pool.release(evicted, Use.RESERVED);
        assertEquals(1, take(pool, List.of(key(11), key(12)), 2).held());
    }

    @Test
    void whatWasFoundIsNotEvictedToMakeRoomForTheRest() {
        KvPool pool = new KvPool(3);
        KvPool.Taken first = take(pool, List.of(), 2);
        publish(pool, first.blocks(), 1);
        pool.release(first.blocks(), Use.RESERVED);
        KvPool.Taken again = take(pool, List.of(key(1), key(2)), 3);
        assertEquals(2, again.held());
        assertEquals(3, java.util.Arrays.stream(again.blocks()).distinct().count());
    }

    @Test
    void withoutRoomNothingChanges() {
        KvPool pool = new KvPool(4);
        KvPool.Taken first = take(pool, List.of(), 2);
        publish(pool, first.blocks(), 1);
        assertNull(pool.take(List.of(key(1)), 4, 0, Use.RESERVED));
        assertNull(pool.take(List.of(), 2, 1, Use.RESERVED));
        pool.release(first.blocks(), Use.RESERVED);
        // Cached blocks that are found leave the available ones, too.
        assertNull(pool.take(List.of(key(1), key(2)), 3, 2, Use.RESERVED));
        assertEquals(4, pool.available());
        pool.checkDeep();
    }

    @Test
    void clearedContentIsGoneButHeldContentStays() {
        KvPool pool = new KvPool(4);
        KvPool.Taken kept = take(pool, List.of(), 1);
        pool.publish(key(1), kept.blocks()[0]);
        KvPool.Taken gone = take(pool, List.of(), 1);
        pool.publish(key(2), gone.blocks()[0]);
        pool.release(gone.blocks(), Use.RESERVED);
        pool.clearCache();
        pool.checkDeep();
        assertEquals(0, pool.cached());
        assertEquals(1, take(pool, List.of(key(1)), 1).held());
        assertEquals(0, take(pool, List.of(key(2)), 1).held());
    }

    @Test
    void releasingTwiceIsFoundOut() {
        KvPool pool = new KvPool(2);
        int[] blocks = take(pool, List.of(), 1).blocks();
        pool.release(blocks, Use.RESERVED);
        assertThrows(IllegalStateException.class, () -> pool.release(blocks, Use.RESERVED));
        int[] active = take(pool, List.of(), 1).blocks();
        assertThrows(IllegalStateException.class, () -> pool.release(active, Use.ACTIVE));
    }

    /** A holder in the model that the random test keeps beside the pool. */
    private static final class Holder {
        final int[] blocks;
        Use use = Use.RESERVED;

        Holder(int[] blocks) {
            this.blocks = blocks;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anyOrderOfOperationsKeepsTheBooks(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        KvPool pool = new KvPool(random.nextInt(1, 40));
        List<Holder> holders = new ArrayList<>();
        // What each block was last published as, to see that a found block is the right one.
        Map<Integer, ChunkKey> contents = new HashMap<>();
        for (int step = 0; step < 5000; step++) {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    @Nullable Holder taken = randomTake(random, pool, contents);
                    if (taken != null) {
                        holders.add(taken);
                    }
                }
                case 3, 4 -> {
                    if (!holders.isEmpty()) {
                        Holder holder = holders.remove(random.nextInt(holders.size()));
                        pool.release(holder.blocks, holder.use);
                    }
                }
                case 5 -> randomPublish(random, pool, holders, contents);
                case 6 -> {
                    if (!holders.isEmpty()) {
                        Holder holder = holders.get(random.nextInt(holders.size()));
                        if (holder.use == Use.RESERVED) {
                            pool.activate(holder.blocks);
                            holder.use = Use.ACTIVE;
                        }
                    }
                }
                default -> {
                    if (random.nextInt(20) == 0) {
                        pool.clearCache();
                    }
                }
            }
            pool.checkDeep();
        }
        for (Holder holder : holders) {
            pool.release(holder.blocks, holder.use);
        }
        pool.clearCache();
        assertEquals(pool.blocks(), pool.available());
    }

    private static @Nullable Holder randomTake(
            SplittableRandom random, KvPool pool, Map<Integer, ChunkKey> contents) {
        int count = random.nextInt(0, 6);
        List<ChunkKey> prefix = new ArrayList<>();
        int firstKey = random.nextInt(30);
        for (int i = 0; i < Math.min(count, random.nextInt(4)); i++) {
            prefix.add(key(firstKey + i));
        }
        int before = pool.available();
        int spare = random.nextInt(3);
        KvPool.Taken taken = pool.take(prefix, count, spare, Use.RESERVED);
        if (taken == null) {
            assertEquals(before, pool.available());
            return null;
        }
        for (int i = 0; i < taken.held(); i++) {
            assertEquals(prefix.get(i), contents.get(taken.blocks()[i]));
        }
        for (int i = taken.held(); i < count; i++) {
            contents.remove(taken.blocks()[i]);
        }
        assertEquals(count, java.util.Arrays.stream(taken.blocks()).distinct().count());
        return new Holder(taken.blocks());
    }

    private static void randomPublish(
            SplittableRandom random,
            KvPool pool,
            List<Holder> holders,
            Map<Integer, ChunkKey> contents) {
        if (holders.isEmpty()) {
            return;
        }
        Holder holder = holders.get(random.nextInt(holders.size()));
        int firstKey = random.nextInt(30);
        for (int i = 0; i < holder.blocks.length; i++) {
            ChunkKey key = key(firstKey + i);
            if (!contents.containsKey(holder.blocks[i]) && !contents.containsValue(key)) {
                pool.publish(key, holder.blocks[i]);
                contents.put(holder.blocks[i], key);
            }
        }
    }
}
