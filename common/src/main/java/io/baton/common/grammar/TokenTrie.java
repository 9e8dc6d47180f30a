package io.baton.common.grammar;

import io.baton.common.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * All tokens that text can be made of, by their bytes: a trie whose nodes stand in the order of a
 * walk (parent first, children by byte), so that a subtree is a range and is skipped with one
 * assignment. Control tokens stand under {@link Octets#CONTROL_MARK}, their name and the mark
 * again, so that no text leads to them; tokens that end an answer are not in it. Immutable.
 *
 * <pre>
 * node i:  label[i], depth[i], subtree [i, end[i]), tokens [firstToken[i], firstToken[i + 1])
 * </pre>
 */
final class TokenTrie {
    private static final int HEAD_BYTES = 5;

    /** Vocabularies have less than 2^23 tokens. */
    private static final int PLACE_BITS = 23;

    private final int vocab;
    private final byte[] label;
    private final int[] depth;
    private final int[] end;
    private final int[] firstToken;
    private final int[] tokens;
    private final int longest;

    private TokenTrie(int vocab, Building building) {
        this.vocab = vocab;
        this.label = Arrays.copyOf(building.label, building.nodes);
        this.depth = Arrays.copyOf(building.depth, building.nodes);
        this.end = Arrays.copyOf(building.end, building.nodes);
        this.firstToken = Arrays.copyOf(building.firstToken, building.nodes + 1);
        this.firstToken[building.nodes] = building.tokens.length;
        this.tokens = building.tokens;
        this.longest = Arrays.stream(depth).max().orElse(0);
    }

    static TokenTrie of(Tokenizer tokenizer) {
        List<byte[]> spellings = new ArrayList<>();
        List<Integer> ids = new ArrayList<>();
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            byte[] spelling = spelling(tokenizer, token);
            if (spelling.length > 0 && !tokenizer.isEndOfGeneration(token)) {
                spellings.add(spelling);
                ids.add(token);
            }
        }
        int[] order = order(spellings);
        Building building = new Building(order.length);
        for (int i = 0; i < order.length; i++) {
            building.add(spellings.get(order[i]), i, ids.get(order[i]));
        }
        building.finish();
        return new TokenTrie(tokenizer.vocabSize(), building);
    }

    /**
     * The places of spellings in order. First by five bytes, as one number with the place, which a
     * primitive sort does fast; then each run of equal ones by all bytes.
     */
    private static int[] order(List<byte[]> spellings) {
        long[] keys = new long[spellings.size()];
        for (int i = 0; i < keys.length; i++) {
            byte[] spelling = spellings.get(i);
            long head = 0;
            for (int k = 0; k < HEAD_BYTES; k++) {
                head = head << 8 | (k < spelling.length ? spelling[k] & 0xff : 0);
            }
            keys[i] = head << PLACE_BITS | i;
        }
        Arrays.sort(keys);
        Integer[] order = new Integer[keys.length];
        Arrays.setAll(order, i -> (int) keys[i] & (1 << PLACE_BITS) - 1);
        int from = 0;
        for (int to = 1; to <= keys.length; to++) {
            if (to == keys.length || keys[to] >>> PLACE_BITS != keys[from] >>> PLACE_BITS) {
                if (to - from > 1) {
                    Arrays.sort(
                            order,
                            from,
                            to,
                            (a, b) -> Arrays.compareUnsigned(spellings.get(a), spellings.get(b)));
                }
                from = to;
            }
        }
        return Arrays.stream(order).mapToInt(i -> i).toArray();
    }

    /** The bytes by which grammars know a token; none if it is no part of text. */
    static byte[] spelling(Tokenizer tokenizer, int token) {
        byte[] bytes = tokenizer.bytes(token);
        if (tokenizer.isControl(token)) {
            byte[] marked = new byte[bytes.length + 2];
            Arrays.fill(marked, (byte) Octets.CONTROL_MARK);
            System.arraycopy(bytes, 0, marked, 1, bytes.length);
            return marked;
        }
        for (byte octet : bytes) {
            if ((octet & 0xff) == Octets.CONTROL_MARK) {
                return new byte[0];
            }
        }
        return bytes;
    }

    int vocab() {
        return vocab;
    }

    int nodes() {
        return label.length;
    }

    int label(int node) {
        return label[node] & 0xff;
    }

    /** Bytes up to and with the node; the root has none. */
    int depth(int node) {
        return depth[node];
    }

    /** The first node after the node's subtree. */
    int end(int node) {
        return end[node];
    }

    /** Nodes right below a node. */
    int children(int node) {
        int count = 0;
        for (int child = node + 1; child < end[node]; child = end[child]) {
            count++;
        }
        return count;
    }

    int firstToken(int node) {
        return firstToken[node];
    }

    /** Adds the tokens that end at nodes {@code [from, to)}. */
    void addTokens(int from, int to, IntList list) {
        list.addAll(tokens, firstToken[from], firstToken[to]);
    }

    int token(int i) {
        return tokens[i];
    }

    /** Bytes of the longest token. */
    int longest() {
        return longest;
    }

    /** Appends sorted spellings; one thread. */
    private static final class Building {
        byte[] label = new byte[1024];
        int[] depth = new int[1024];
        int[] end = new int[1024];
        int[] firstToken = new int[1025];
        final int[] tokens;
        int nodes = 1;

        /** Nodes from the root to the last one added. */
        private int[] path = new int[64];

        private int pathLength;

        Building(int count) {
            this.tokens = new int[count];
        }

        void add(byte[] spelling, int place, int token) {
            int shared = 0;
            while (shared < Math.min(pathLength, spelling.length)
                    && label[path[shared + 1]] == spelling[shared]) {
                shared++;
            }
            close(shared);
            for (int i = shared; i < spelling.length; i++) {
                grow();
                label[nodes] = spelling[i];
                depth[nodes] = i + 1;
                firstToken[nodes] = place;
                if (i + 2 > path.length) {
                    path = Arrays.copyOf(path, 2 * path.length);
                }
                path[i + 1] = nodes++;
                pathLength = i + 1;
            }
            tokens[place] = token;
        }

        /** Ends the subtrees below a depth. */
        private void close(int to) {
            while (pathLength > to) {
                end[path[pathLength--]] = nodes;
            }
        }

        void finish() {
            close(0);
            end[0] = nodes;
        }

        private void grow() {
            if (nodes == label.length) {
                int size = Math.multiplyExact(nodes, 2);
                label = Arrays.copyOf(label, size);
                depth = Arrays.copyOf(depth, size);
                end = Arrays.copyOf(end, size);
                firstToken = Arrays.copyOf(firstToken, size + 1);
            }
        }
    }
}
