package io.baton.common.grammar;

import java.util.Arrays;

/** A growing array. One thread. */
final class IntList {
    private int[] values = new int[64];
    private int size;

    void add(int value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, 2 * size);
        }
        values[size++] = value;
    }

    /** Adds values of an array. */
    void addAll(int[] from, int start, int end) {
        int wanted = size + end - start;
        if (wanted > values.length) {
            values = Arrays.copyOf(values, Math.max(wanted, 2 * size));
        }
        System.arraycopy(from, start, values, size, end - start);
        size = wanted;
    }

    int size() {
        return size;
    }

    int get(int i) {
        return values[i];
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }
}
