package io.baton.engine;

import io.baton.common.kv.ChunkKey;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who holds which block of the KV pool, and under which key a block's content can be found again.
 * It knows block numbers only, never memory. Not safe for several threads: the engine loop's lock
 * guards it.
 *
 * <p>A block is in one of four states:
 *
 * <pre>
 * free     holds nothing                                  on the free stack
 * cached   nobody holds it, its content has a key         on the list of evictable blocks
 * reserved held by reservations that no step runs on
 * active   held by at least one sequence that steps run on
 *
 *           take (new)             activate
 *   free  ------------> reserved ------------> active
 *    ^                   |    ^                   |
 *    | release           |    | take (found)      | release
 *    +-------------------+    |                   |
 *    | evicted by a take      |                   |
 *   cached <--------------------------------------+   (if published)
 * </pre>
 *
 * Blocks are shared by counting holders; a published block is never written again. Evicted first is
 * what was released longest ago, and within one sequence its tail before its head, because a prefix
 * without its head can't be found.
 */
final class KvPool {
    private static final int NONE = -1;

    /** How a holder uses its blocks. */
    enum Use {
        RESERVED,
        ACTIVE
    }

    /**
     * Blocks given to a sequence.
     *
     * @param blocks in the order of the sequence
     * @param held how many of them, from the first, already hold its KV
     */
    record Taken(int[] blocks, int held) {}

    private final int blocks;
    private final int[] reservedHolders;
    private final int[] activeHolders;
    private final @Nullable ChunkKey[] keys;
    private final Map<ChunkKey, Integer> published = new HashMap<>();

    private final int[] freeStack;
    private int free;

    // Evictable blocks as a ring through slot `blocks`: oldest is next[blocks], newest
    // prev[blocks].
    private final int[] next;
    private final int[] prev;
    private int cached;

    private int reserved;
    private int active;

    KvPool(int blocks) {
        if (blocks <= 0) {
            throw new IllegalArgumentException("a pool has at least one block, got " + blocks);
        }
        this.blocks = blocks;
        reservedHolders = new int[blocks];
        activeHolders = new int[blocks];
        keys = new ChunkKey[blocks];
        freeStack = new int[blocks];
        for (int i = 0; i < blocks; i++) {
            freeStack[i] = blocks - 1 - i;
        }
        free = blocks;
        next = new int[blocks + 1];
        prev = new int[blocks + 1];
        Arrays.fill(next, NONE);
        Arrays.fill(prev, NONE);
        next[blocks] = blocks;
        prev[blocks] = blocks;
    }

    int blocks() {
        return blocks;
    }

    /** Blocks that a take may use: free ones and cached ones, which it evicts. */
    int available() {
        return free + cached;
    }

    int cached() {
        return cached;
    }

    int reserved() {
        return reserved;
    }

    int active() {
        return active;
    }

    /**
     * Takes {@code count} blocks, the longest published run of {@code prefix} first.
     *
     * @param prefix keys of the sequence's first blocks, at most {@code count}
     * @param spare blocks that must remain available afterwards
     * @return null, with nothing changed, if there is no room
     */
    @Nullable Taken take(List<ChunkKey> prefix, int count, int spare, Use use) {
        int[] taken = new int[count];
        int held = 0;
        while (held < prefix.size()) {
            Integer block = published.get(prefix.get(held));
            if (block == null) {
                break;
            }
            taken[held++] = block;
        }
        // Held blocks that nobody else holds leave the available ones, too.
        int unheld = 0;
        for (int i = 0; i < held; i++) {
            unheld += holders(taken[i]) == 0 ? 1 : 0;
        }
        if (available() - unheld - (count - held) < spare) {
            return null;
        }
        // First all that were found, so that making room cannot evict one of them.
        for (int i = 0; i < held; i++) {
            hold(taken[i], use);
        }
        for (int i = held; i < count; i++) {
            taken[i] = unused();
            hold(taken[i], use);
        }
        check();
        return new Taken(taken, held);
    }

    /** Turns reserved blocks of one holder into active ones. */
    void activate(int[] held) {
        for (int block : held) {
            drop(block, Use.RESERVED);
            hold(block, Use.ACTIVE);
        }
        check();
    }

    /** Gives up a holder's blocks; published content stays findable until evicted. */
    void release(int[] held, Use use) {
        for (int i = held.length - 1; i >= 0; i--) {
            drop(held[i], use);
            if (holders(held[i]) == 0) {
                retire(held[i]);
            }
        }
        check();
    }

    /**
     * Makes a held block findable. If the key is known already, the first block keeps it and this
     * one stays private.
     */
    void publish(ChunkKey key, int block) {
        if (holders(block) == 0) {
            throw new IllegalStateException("block %d is published but not held".formatted(block));
        }
        if (keys[block] == null && published.putIfAbsent(key, block) == null) {
            keys[block] = key;
        }
    }

    /** Forgets all content that nobody holds. */
    void clearCache() {
        while (next[blocks] != blocks) {
            int block = next[blocks];
            unlink(block);
            forget(block);
            freeStack[free++] = block;
        }
        check();
    }

    /** Free + cached + reserved + active = all, after every change. */
    private void check() {
        if (free < 0
                || cached < 0
                || reserved < 0
                || active < 0
                || free + cached + reserved + active != blocks) {
            throw new IllegalStateException(
                    "block accounting is broken: %d free + %d cached + %d reserved + %d active != %d"
                            .formatted(free, cached, reserved, active, blocks));
        }
    }

    private int holders(int block) {
        return reservedHolders[block] + activeHolders[block];
    }

    /**
     * A block without content: a free one, else the oldest cached one. The caller holds it next.
     */
    private int unused() {
        if (free > 0) {
            return freeStack[--free];
        }
        int block = next[blocks];
        if (block == blocks) {
            throw new IllegalStateException("no block is left after the room was counted");
        }
        unlink(block);
        forget(block);
        return block;
    }

    private void hold(int block, Use use) {
        if (next[block] != NONE) {
            unlink(block);
        }
        count(block, -1);
        (use == Use.ACTIVE ? activeHolders : reservedHolders)[block]++;
        count(block, +1);
    }

    private void drop(int block, Use use) {
        int[] holders = use == Use.ACTIVE ? activeHolders : reservedHolders;
        if (holders[block] == 0) {
            throw new IllegalStateException(
                    "block %d has no %s holder to drop".formatted(block, use));
        }
        count(block, -1);
        holders[block]--;
        count(block, +1);
    }

    private void count(int block, int change) {
        if (activeHolders[block] > 0) {
            active += change;
        } else if (reservedHolders[block] > 0) {
            reserved += change;
        }
    }

    private void retire(int block) {
        if (keys[block] == null) {
            freeStack[free++] = block;
            return;
        }
        int newest = prev[blocks];
        next[newest] = block;
        prev[block] = newest;
        next[block] = blocks;
        prev[blocks] = block;
        cached++;
    }

    private void unlink(int block) {
        next[prev[block]] = next[block];
        prev[next[block]] = prev[block];
        next[block] = NONE;
        prev[block] = NONE;
        cached--;
    }

    private void forget(int block) {
        ChunkKey key = keys[block];
        if (key != null) {
            published.remove(key);
            keys[block] = null;
        }
    }

    /**
     * Recounts everything from nothing; for tests, as it is linear in the pool.
     *
     * @throws IllegalStateException naming what does not hold
     */
    void checkDeep() {
        check();
        boolean[] seen = new boolean[blocks];
        for (int i = 0; i < free; i++) {
            int block = freeStack[i];
            require(!seen[block] && holders(block) == 0 && keys[block] == null, "free", block);
            seen[block] = true;
        }
        int listed = 0;
        for (int block = next[blocks]; block != blocks; block = next[block]) {
            require(!seen[block] && holders(block) == 0 && keys[block] != null, "cached", block);
            seen[block] = true;
            listed++;
        }
        require(listed == cached, "number of cached blocks", listed);
        int activeSeen = 0;
        int reservedSeen = 0;
        for (int block = 0; block < blocks; block++) {
            require(seen[block] == (holders(block) == 0), "held", block);
            activeSeen += activeHolders[block] > 0 ? 1 : 0;
            reservedSeen += activeHolders[block] == 0 && reservedHolders[block] > 0 ? 1 : 0;
            ChunkKey key = keys[block];
            require(key == null || Integer.valueOf(block).equals(published.get(key)), "key", block);
        }
        require(activeSeen == active, "number of active blocks", activeSeen);
        require(reservedSeen == reserved, "number of reserved blocks", reservedSeen);
        long keyed = Arrays.stream(keys).filter(key -> key != null).count();
        require(keyed == published.size(), "number of keys", published.size());
    }

    private static void require(boolean holds, String what, int which) {
        if (!holds) {
            throw new IllegalStateException("broken: %s (%d)".formatted(what, which));
        }
    }
}
