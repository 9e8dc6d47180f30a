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

    /** Adds a token's number for each token that ends at a node. */
    void addTokens(TokenTrie trie, int node) {
        for (int i = trie.firstToken(node); i < trie.firstToken(node + 1); i++) {
            add(trie.token(i));
        }
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
