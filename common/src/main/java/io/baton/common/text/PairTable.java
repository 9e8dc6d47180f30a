package io.baton.common.text;

import java.util.Arrays;

/**
 * An open-addressing table from a pair of ints to another, two longs a slot: the merges of a
 * byte-pair vocabulary, (left, right) to (rank, merged symbol), and the edges of a trie, (node,
 * character) to (0, child). Filled once, then read by any thread.
 */
final class PairTable {
    /** No such pair; greater than every entry. */
    static final long NONE = Long.MAX_VALUE;

    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final long[] slots;
    private final int shift;

    PairTable(int pairs) {
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(8, pairs));
        slots = new long[2 << bits];
        Arrays.fill(slots, -1);
        shift = 64 - bits;
    }

    private static long key(int left, int right) {
        return ((long) left << 32) | right;
    }

    /** Adds a pair; of two equal ones the first stays. Nothing is negative. */
    void add(int left, int right, int rank, int result) {
        long key = key(left, right);
        int mask = slots.length - 1;
        int slot = (int) (key * MIX >>> shift) << 1;
        while (slots[slot] != -1) {
            if (slots[slot] == key) {
                return;
            }
            slot = (slot + 2) & mask;
        }
        slots[slot] = key;
        slots[slot + 1] = key(rank, result);
    }

    /** Rank (upper 32 bits) and result (lower 32) of a pair, or {@link #NONE}. */
    long find(int left, int right) {
        if ((left | right) < 0) {
            return NONE;
        }
        long key = key(left, right);
        int mask = slots.length - 1;
        int slot = (int) (key * MIX >>> shift) << 1;
        while (true) {
            long found = slots[slot];
            if (found == key) {
                return slots[slot + 1];
            }
            if (found == -1) {
                return NONE;
            }
            slot = (slot + 2) & mask;
        }
    }
}
