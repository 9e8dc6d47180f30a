package io.baton.common.text;

import java.util.Arrays;

/**
 * The spellings of all tokens in one array, and a hash table from a slice of text to the token so
 * spelled. Tokens that text must never become (control and unknown ones) are spelled here but not
 * found.
 *
 * <p>The hash is polynomial over UTF-16 units, modulo 2^64, so that a caller with prefix hashes of
 * its text has the hash of any slice in constant time: {@code prefix[to] - prefix[from] * power[to
 * - from]}. Immutable; safe for any thread.
 */
final class TokenTable {
    static final long MULTIPLIER = 0x5851F42D4C957F2DL;

    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final char[] arena;
    private final int[] offsets;
    private final int[] slots;
    private final int shift;
    private final int maxLength;

    /**
     * @param spellings one per token id, none empty
     * @param found whether the token can be found by its spelling
     */
    TokenTable(String[] spellings, boolean[] found) {
        long chars = 0;
        for (String spelling : spellings) {
            chars += spelling.length();
        }
        arena = new char[Math.toIntExact(chars)];
        offsets = new int[spellings.length + 1];
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(8, spellings.length));
        slots = new int[1 << bits];
        Arrays.fill(slots, -1);
        shift = 64 - bits;
        int longest = 0;
        for (int id = 0; id < spellings.length; id++) {
            String spelling = spellings[id];
            int from = offsets[id];
            int to = from + spelling.length();
            spelling.getChars(0, spelling.length(), arena, from);
            offsets[id + 1] = to;
            if (found[id]) {
                insert(id, hash(arena, from, to));
                longest = Math.max(longest, to - from);
            }
        }
        maxLength = longest;
    }

    private void insert(int id, long hash) {
        int mask = slots.length - 1;
        int slot = (int) (hash * MIX >>> shift);
        while (slots[slot] >= 0) {
            slot = (slot + 1) & mask;
        }
        slots[slot] = id;
    }

    static long hash(char[] text, int from, int to) {
        long hash = 0;
        for (int i = from; i < to; i++) {
            hash = hash * MULTIPLIER + text[i] + 1;
        }
        return hash;
    }

    /** The token spelled {@code text[from, to)}, or -1. */
    int find(char[] text, int from, int to) {
        return to - from > maxLength ? -1 : find(hash(text, from, to), text, from, to);
    }

    /** As {@link #find(char[], int, int)}, where the caller has the slice's hash. */
    int find(long hash, char[] text, int from, int to) {
        int mask = slots.length - 1;
        int slot = (int) (hash * MIX >>> shift);
        int id = slots[slot];
        while (id >= 0) {
            int start = offsets[id];
            int end = offsets[id + 1];
            if (end - start == to - from && Arrays.equals(arena, start, end, text, from, to)) {
                return id;
            }
            slot = (slot + 1) & mask;
            id = slots[slot];
        }
        return -1;
    }

    int size() {
        return offsets.length - 1;
    }

    /** Length in UTF-16 units of the longest token that can be found. */
    int maxLength() {
        return maxLength;
    }

    /** Length in UTF-16 units of a token's spelling. */
    int length(int id) {
        return offsets[id + 1] - offsets[id];
    }

    String spelling(int id) {
        return new String(arena, offsets[id], offsets[id + 1] - offsets[id]);
    }
}
