package io.baton.common.grammar;

import java.util.Arrays;

/**
 * The tokens that can go on within a JSON string, by how many characters they put into it. One walk
 * of the trie serves every length that a string may still have, so that a schema's {@code
 * minLength} and {@code maxLength} cost no walk of their own. Immutable.
 *
 * <p>A token <em>needs</em> room for the characters that it completes and for one that it begins.
 * Where a token holds the closing quote, the string's length is settled: these nodes are kept
 * apart.
 */
final class TextTokens {
    private final TokenTrie trie;

    /** Tokens without the closing quote, by need; those that need {@code k} end at ends[k]. */
    private final int[] tokens;

    private final int[] ends;

    /** Nodes that a walk looks at where there is room for k characters. */
    private final int[] visited;

    /** Nodes of closing quotes in the trie's order, and the characters before each. */
    private final int[] quotes;

    private final int[] lengths;

    /** A bit for each of {@link #tokens}. */
    private final long[] all;

    /** Walks the trie from a state within a character; {@link Terminal#START} between two. */
    TextTokens(TokenTrie trie, Dfa character, int within) {
        Walk walk = new Walk(trie);
        walk.run(character, within);
        this.trie = trie;
        this.ends = sums(walk.tokensOfNeed);
        this.visited = sums(walk.visitedOfNeed);
        this.tokens = new int[walk.tokens.size()];
        int[] next = new int[ends.length];
        System.arraycopy(ends, 0, next, 1, ends.length - 1);
        for (int i = 0; i < tokens.length; i++) {
            tokens[next[walk.needs.get(i)]++] = walk.tokens.get(i);
        }
        this.quotes = walk.quotes.toArray();
        this.lengths = walk.lengths.toArray();
        this.all = LocalMask.dense(trie.vocab(), tokens, tokens.length);
    }

    private static int[] sums(int[] counts) {
        int[] sums = counts.clone();
        Arrays.parallelPrefix(sums, Integer::sum);
        return sums;
    }

    /**
     * The mask where the string takes from {@code least} to {@code most} characters more.
     *
     * @param most at least 0; one more than the longest token has bytes stands for any
     */
    LocalMask mask(int least, int most, boolean wantsExits) {
        int room = Math.min(most, ends.length - 1);
        IntList closing = new IntList();
        IntList exits = new IntList();
        int looked = visited[room];
        for (int i = 0; i < quotes.length; i++) {
            if (lengths[i] >= least && lengths[i] <= room) {
                int node = quotes[i];
                trie.addTokens(node, node + 1, closing);
                if (trie.end(node) > node + 1) {
                    looked += trie.children(node);
                    if (wantsExits) {
                        exits.add(node);
                    }
                }
            }
        }
        return new LocalMask(within(room), closing.toArray(), exits.toArray(), looked);
    }

    /** The tokens that need no more than {@code room}. */
    private long[] within(int room) {
        int count = ends[room];
        if (count == tokens.length) {
            return all;
        }
        if (count < tokens.length / 2) {
            return LocalMask.dense(trie.vocab(), tokens, count);
        }
        long[] dense = all.clone();
        for (int i = count; i < tokens.length; i++) {
            dense[tokens[i] >>> 6] &= ~(1L << tokens[i]);
        }
        return dense;
    }

    /** One pass over the trie. */
    private static final class Walk {
        private final TokenTrie trie;
        private final IntList tokens = new IntList();
        private final IntList needs = new IntList();
        private final IntList quotes = new IntList();
        private final IntList lengths = new IntList();
        private final int[] tokensOfNeed;
        private final int[] visitedOfNeed;

        Walk(TokenTrie trie) {
            this.trie = trie;
            this.tokensOfNeed = new int[trie.longest() + 2];
            this.visitedOfNeed = new int[trie.longest() + 2];
        }

        void run(Dfa character, int start) {
            int[] within = new int[trie.longest() + 1];
            int[] complete = new int[trie.longest() + 1];
            within[0] = start;
            int node = 1;
            while (node < trie.nodes()) {
                int depth = trie.depth(node);
                int before = within[depth - 1];
                int count = complete[depth - 1];
                visitedOfNeed[need(before, count)]++;
                if (before == Terminal.START && trie.label(node) == '"') {
                    quotes.add(node);
                    lengths.add(count);
                    node = trie.end(node);
                    continue;
                }
                int next = character.step(before, trie.label(node));
                if (next == Terminal.DEAD) {
                    node = trie.end(node);
                    continue;
                }
                boolean ends = character.accepts(next);
                within[depth] = ends ? Terminal.START : next;
                complete[depth] = ends ? count + 1 : count;
                add(node, need(within[depth], complete[depth]));
                node++;
            }
        }

        private static int need(int within, int complete) {
            return within == Terminal.START ? complete : complete + 1;
        }

        private void add(int node, int need) {
            for (int i = trie.firstToken(node); i < trie.firstToken(node + 1); i++) {
                tokens.add(trie.token(i));
                needs.add(need);
                tokensOfNeed[need]++;
            }
        }
    }
}
