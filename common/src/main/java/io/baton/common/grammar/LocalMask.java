package io.baton.common.grammar;

import java.util.Arrays;

/**
 * What a terminal's state says of tokens whatever follows the terminal: the tokens that stay within
 * it, and the trie's nodes where it may end in the middle of a token. Immutable.
 *
 * @param dense a bit for each token, empty if {@code sparse} says it
 * @param sparse tokens, if they are few
 * @param exits nodes below which tokens go on after the terminal
 * @param visited nodes that the walk looked at
 */
record LocalMask(long[] dense, int[] sparse, int[] exits, int visited) {
    private static final int[] NOTHING = {};

    /** Walks the whole trie from a state. */
    static LocalMask of(TokenTrie trie, Terminal terminal, int state, boolean wantsExits) {
        int[] states = new int[trie.longest() + 1];
        states[0] = state;
        IntList found = new IntList();
        IntList exits = new IntList();
        int visited = 0;
        int node = 1;
        while (node < trie.nodes()) {
            int depth = trie.depth(node);
            int next = terminal.step(states[depth - 1], trie.label(node));
            visited++;
            if (next == Terminal.DEAD) {
                node = trie.end(node);
                continue;
            }
            states[depth] = next;
            for (int i = trie.firstToken(node); i < trie.firstToken(node + 1); i++) {
                found.add(trie.token(i));
            }
            if (wantsExits && trie.end(node) > node + 1 && terminal.accepts(next)) {
                exits.add(node);
            }
            node++;
        }
        return of(trie.vocab(), found.toArray(), exits.toArray(), visited);
    }

    private static LocalMask of(int vocab, int[] found, int[] exits, int visited) {
        if (found.length < vocab / 32) {
            return new LocalMask(new long[0], found, exits, visited);
        }
        long[] dense = new long[(vocab + 63) >>> 6];
        for (int token : found) {
            dense[token >>> 6] |= 1L << token;
        }
        return new LocalMask(dense, NOTHING, exits, visited);
    }

    /** Adds the tokens to a mask. */
    void addTo(long[] words) {
        for (int i = 0; i < dense.length; i++) {
            words[i] |= dense[i];
        }
        for (int token : sparse) {
            words[token >>> 6] |= 1L << token;
        }
    }

    long bytes() {
        return 64L + 8L * dense.length + 4L * sparse.length + 4L * exits.length;
    }

    /** A growing array. */
    private static final class IntList {
        private int[] values = new int[64];
        private int size;

        void add(int value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, 2 * size);
            }
            values[size++] = value;
        }

        int[] toArray() {
            return Arrays.copyOf(values, size);
        }
    }
}
