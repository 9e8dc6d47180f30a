package io.baton.common.grammar;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Makes token masks of grammar states over one vocabulary, and remembers terminals' parts of them.
 * A mask is a pure function of the state: what is remembered changes only how fast it comes. Safe
 * for any thread.
 */
final class MaskMaker {
    /** Most memory for what is remembered. */
    private static final long MAX_CACHE_BYTES = 32L << 20;

    private final TokenTrie trie;
    private final Map<Key, LocalMask> cache = new LinkedHashMap<>(256, 0.75f, true);
    private long cacheBytes;
    private final ConcurrentHashMap<Key, TextTokens> texts = new ConcurrentHashMap<>();

    /** Terminals are compared by identity. */
    private record Key(Terminal terminal, int state, boolean exits) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Key key
                    && terminal == key.terminal
                    && state == key.state
                    && exits == key.exits;
        }

        @Override
        public int hashCode() {
            return 31 * System.identityHashCode(terminal) + 2 * state + (exits ? 1 : 0);
        }
    }

    MaskMaker(TokenTrie trie) {
        this.trie = trie;
    }

    TokenTrie trie() {
        return trie;
    }

    /**
     * The tokens after which the grammar can still be brought to an end; tokens that end an answer
     * are left to the caller.
     *
     * <p>A state with very many places would need a walk for each. Beyond a bound on nodes looked
     * at (a count, the same everywhere) only tokens of one byte are taken from the rest: that
     * narrows the choice, and what is written stays of the grammar.
     */
    long[] mask(GrammarState state) {
        long[] words = new long[(trie.vocab() + 63) >>> 6];
        Walk walk = new Walk(trie, state.program(), words);
        for (int i = 0; i < state.size() && !walk.isSpent(); i++) {
            Closure after = state.stack(i).closure(state.program());
            LocalMask local = local(state.terminal(i), state.state(i), !after.isEmpty());
            walk.spend(local.visited());
            local.addTo(words);
            for (int exit : local.exits()) {
                walk.from(exit, after);
            }
        }
        if (walk.isSpent()) {
            addSingleBytes(state, words);
        }
        return words;
    }

    private void addSingleBytes(GrammarState state, long[] words) {
        for (int node = 1; node < trie.nodes(); node = trie.end(node)) {
            for (int i = 0; i < state.size(); i++) {
                if (state.terminal(i).step(state.state(i), trie.label(node)) != Terminal.DEAD) {
                    for (int k = trie.firstToken(node); k < trie.firstToken(node + 1); k++) {
                        words[trie.token(k) >>> 6] |= 1L << trie.token(k);
                    }
                    break;
                }
            }
        }
    }

    private LocalMask local(Terminal terminal, int state, boolean exits) {
        Key key = new Key(terminal, terminal.canonical(state, trie.longest()), exits);
        return remembered(key)
                .orElseGet(
                        () -> {
                            LocalMask made = make(key);
                            remember(key, made);
                            return made;
                        });
    }

    private LocalMask make(Key key) {
        return key.terminal() instanceof JsonText text && text.isInside(key.state())
                ? texts(text.character(), text.within(key.state()))
                        .mask(text.least(key.state()), text.most(key.state()), key.exits())
                : LocalMask.of(trie, key.terminal(), key.state(), key.exits());
    }

    /** There are two automata of characters (Terminals.Shared), with few states each. */
    private TextTokens texts(Dfa character, int within) {
        return texts.computeIfAbsent(
                new Key(character, within, false), key -> new TextTokens(trie, character, within));
    }

    private synchronized Optional<LocalMask> remembered(Key key) {
        return Optional.ofNullable(cache.get(key));
    }

    private synchronized void remember(Key key, LocalMask mask) {
        if (cache.put(key, mask) == null) {
            cacheBytes += mask.bytes();
        }
        var oldest = cache.entrySet().iterator();
        while (cacheBytes > MAX_CACHE_BYTES && oldest.hasNext()) {
            cacheBytes -= oldest.next().getValue().bytes();
            oldest.remove();
        }
    }

    /** Looks at the parts of tokens that go on after a terminal's end. */
    private static final class Walk {
        private final TokenTrie trie;
        private final Program program;
        private final long[] words;
        private final int[] states;
        private long left;

        Walk(TokenTrie trie, Program program, long[] words) {
            this.trie = trie;
            this.program = program;
            this.words = words;
            this.states = new int[trie.longest() + 1];
            this.left = 4L * trie.nodes() + (1 << 16);
        }

        void spend(long nodes) {
            left -= nodes;
        }

        boolean isSpent() {
            return left <= 0;
        }

        void from(int node, Closure closure) {
            for (int i = 0; i < closure.terminals().length; i++) {
                from(node, closure.terminals()[i], closure.stacks()[i]);
            }
        }

        private void from(int top, Terminal terminal, Stack stack) {
            int base = trie.depth(top);
            states[base] = Terminal.START;
            int node = top + 1;
            while (node < trie.end(top) && left > 0) {
                left--;
                int depth = trie.depth(node);
                int next = terminal.step(states[depth - 1], trie.label(node));
                if (next == Terminal.DEAD) {
                    node = trie.end(node);
                    continue;
                }
                for (int i = trie.firstToken(node); i < trie.firstToken(node + 1); i++) {
                    words[trie.token(i) >>> 6] |= 1L << trie.token(i);
                }
                if (trie.end(node) > node + 1 && terminal.accepts(next)) {
                    // The walk below writes states from this depth on only.
                    from(node, stack.closure(program));
                }
                states[depth] = next;
                node++;
            }
        }
    }
}
