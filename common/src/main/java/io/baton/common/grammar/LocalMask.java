package io.baton.common.grammar;

/**
 * What a terminal's state says of tokens whatever follows the terminal: the tokens that stay within
 * it, and the trie's nodes where it may end in the middle of a token. Immutable.
 *
 * @param dense a bit for each token, or empty; may be shared, so it is never written
 * @param sparse further tokens
 * @param exits nodes below which tokens go on after the terminal, in the trie's order
 * @param visited nodes that a walk of the trie looks at
 */
record LocalMask(long[] dense, int[] sparse, int[] exits, int visited) {
    private static final int[] NOTHING = {};

    /** Walks the whole trie from a state. */
    static LocalMask of(TokenTrie trie, Terminal terminal, int state, boolean wantsExits) {
        // A loop of their own for automata, where the time goes: no call for each byte.
        return terminal instanceof Dfa dfa
                ? ofDfa(trie, dfa, state, wantsExits)
                : ofAny(trie, terminal, state, wantsExits);
    }

    private static LocalMask ofAny(
            TokenTrie trie, Terminal terminal, int state, boolean wantsExits) {
        int[] states = new int[trie.longest() + 1];
        states[0] = state;
        IntList found = new IntList();
        IntList exits = new IntList();
        int visited = 0;
        int node = 1;
        int alive = 1;
        while (node < trie.nodes()) {
            int depth = trie.depth(node);
            int next = terminal.step(states[depth - 1], trie.label(node));
            visited++;
            if (next == Terminal.DEAD) {
                trie.addTokens(alive, node, found);
                node = trie.end(node);
                alive = node;
                continue;
            }
            states[depth] = next;
            if (wantsExits && trie.end(node) > node + 1 && terminal.accepts(next)) {
                exits.add(node);
            }
            node++;
        }
        trie.addTokens(alive, node, found);
        return of(trie.vocab(), found.toArray(), exits.toArray(), visited);
    }

    private static LocalMask ofDfa(TokenTrie trie, Dfa dfa, int state, boolean wantsExits) {
        int[] states = new int[trie.longest() + 1];
        states[0] = state;
        IntList found = new IntList();
        IntList exits = new IntList();
        int visited = 0;
        int node = 1;
        int alive = 1;
        int nodes = trie.nodes();
        while (node < nodes) {
            int depth = trie.depth(node);
            int next = dfa.step(states[depth - 1], trie.label(node));
            visited++;
            if (next == Terminal.DEAD) {
                trie.addTokens(alive, node, found);
                node = trie.end(node);
                alive = node;
                continue;
            }
            states[depth] = next;
            if (wantsExits && trie.end(node) > node + 1 && dfa.accepts(next)) {
                exits.add(node);
            }
            node++;
        }
        trie.addTokens(alive, node, found);
        return of(trie.vocab(), found.toArray(), exits.toArray(), visited);
    }

    private static LocalMask of(int vocab, int[] found, int[] exits, int visited) {
        return found.length < vocab / 32
                ? new LocalMask(new long[0], found, exits, visited)
                : new LocalMask(dense(vocab, found, found.length), NOTHING, exits, visited);
    }

    /** A bit for each of the first {@code count} tokens. */
    static long[] dense(int vocab, int[] tokens, int count) {
        long[] dense = new long[(vocab + 63) >>> 6];
        for (int i = 0; i < count; i++) {
            dense[tokens[i] >>> 6] |= 1L << tokens[i];
        }
        return dense;
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
}
