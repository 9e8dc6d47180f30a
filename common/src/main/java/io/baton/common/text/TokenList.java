package io.baton.common.text;

import java.util.Arrays;

/** A growing array of token ids. Not safe for threads. */
final class TokenList {
    private int[] ids;
    private int size;

    TokenList(int capacity) {
        ids = new int[Math.max(8, capacity)];
    }

    void add(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, size + (size >> 1));
        }
        ids[size++] = id;
    }

    void addAll(int[] more) {
        int need = Math.addExact(size, more.length);
        if (need > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(need, size + (size >> 1)));
        }
        System.arraycopy(more, 0, ids, size, more.length);
        size = need;
    }

    int size() {
        return size;
    }

    /** Copies the ids from {@code from} to the end. */
    int[] copyFrom(int from) {
        return Arrays.copyOfRange(ids, from, size);
    }

    int[] toArray() {
        return Arrays.copyOf(ids, size);
    }
}
