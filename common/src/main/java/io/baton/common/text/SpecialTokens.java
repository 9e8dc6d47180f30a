package io.baton.common.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Finds special tokens in text. Longest first over the whole text, then from left to right, as
 * llama.cpp splits them off; found in one pass over a trie instead of one pass per token. Control
 * and unknown tokens are found in trusted text only; user-defined tokens are text by definition and
 * are found everywhere, as in llama.cpp.
 *
 * <p>Immutable; safe for any thread.
 */
final class SpecialTokens {
    private static final int ROOT = 0;

    private final Vocabulary vocabulary;

    /** The trie's edges: (node, character) to child. */
    private final PairTable edges;

    /** Token that ends at each node, or -1. */
    private int[] tokenAt = new int[64];

    private int nodes = 1;
    private final BitSet firsts = new BitSet(1 << 16);

    /** Special tokens in order: longest in UTF-8 first, then by id. */
    private final int[] byRank;

    /** Place of each token in that order. */
    private final int[] ranks;

    SpecialTokens(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        List<Integer> specials = new ArrayList<>();
        long characters = 0;
        for (int id = 0; id < vocabulary.size(); id++) {
            if ((vocabulary.kinds()[id] & TokenKinds.SPECIAL) != 0) {
                specials.add(id);
                characters += vocabulary.table().length(id);
            }
        }
        edges = new PairTable(Math.toIntExact(characters));
        tokenAt[ROOT] = -1;
        for (int id : specials) {
            insert(vocabulary.table().spelling(id), id);
        }
        specials.sort(
                Comparator.comparingInt((Integer id) -> -vocabulary.bytes().length(id))
                        .thenComparingInt(id -> id));
        byRank = specials.stream().mapToInt(id -> id).toArray();
        ranks = new int[vocabulary.size()];
        for (int rank = 0; rank < byRank.length; rank++) {
            ranks[byRank[rank]] = rank;
        }
    }

    private void insert(String text, int id) {
        firsts.set(text.charAt(0));
        int node = ROOT;
        for (int i = 0; i < text.length(); i++) {
            long child = edges.find(node, text.charAt(i));
            if (child == PairTable.NONE) {
                if (nodes == tokenAt.length) {
                    tokenAt = Arrays.copyOf(tokenAt, Math.multiplyExact(2, nodes));
                }
                tokenAt[nodes] = -1;
                edges.add(node, text.charAt(i), 0, nodes);
                child = nodes++;
            }
            node = (int) child;
        }
        tokenAt[node] = id;
    }

    /** A special token in a text; {@code end} is past the white space that it eats. */
    record Span(int from, int end, int token) {}

    /** The special tokens of a text in order, disjoint. */
    List<Span> find(PromptText prompt) {
        String text = prompt.text();
        LongHeap candidates = new LongHeap(16);
        for (int at = 0; at < text.length(); at++) {
            if (firsts.get(text.charAt(at))) {
                offer(candidates, prompt, at, text.length());
            }
        }
        if (candidates.isEmpty()) {
            return List.of();
        }
        List<Span> spans = new ArrayList<>();
        BitSet taken = new BitSet(text.length());
        while (!candidates.isEmpty()) {
            // One candidate a position at a time, so memory is linear in the text.
            long candidate = candidates.pop();
            int at = (int) candidate;
            if (taken.get(at)) {
                continue;
            }
            int token = byRank[(int) (candidate >>> 32)];
            int length = vocabulary.table().length(token);
            int free = freeFrom(taken, at, length);
            if (free < length) {
                offer(candidates, prompt, at, at + free);
                continue;
            }
            int end = at + length;
            if (vocabulary.marks().stripsRight().get(token)) {
                while (end < text.length() && !taken.get(end) && isSpace(text.charAt(end))) {
                    end++;
                }
            }
            taken.set(at, end);
            spans.add(new Span(at, end, token));
        }
        spans.sort(Comparator.comparingInt(Span::from));
        return spans;
    }

    private static int freeFrom(BitSet taken, int at, int length) {
        int free = 0;
        while (free < length && !taken.get(at + free)) {
            free++;
        }
        return free;
    }

    private void offer(LongHeap candidates, PromptText prompt, int at, int limit) {
        int token = longest(prompt, at, limit);
        if (token >= 0) {
            candidates.push(((long) ranks[token] << 32) | at);
        }
    }

    /** The longest token that starts at {@code at} and ends by {@code limit}, or -1. */
    private int longest(PromptText prompt, int at, int limit) {
        String text = prompt.text();
        int untrusted = -1;
        int best = -1;
        int node = ROOT;
        for (int i = at; i < limit; i++) {
            long child = edges.find(node, text.charAt(i));
            if (child == PairTable.NONE) {
                break;
            }
            node = (int) child;
            int token = tokenAt[node];
            if (token >= 0) {
                if (!vocabulary.isControl(token)) {
                    best = token;
                } else {
                    untrusted = untrusted < 0 ? untrustedFrom(prompt, at) : untrusted;
                    if (i < untrusted) {
                        best = token;
                    }
                }
            }
        }
        return best;
    }

    /** Where untrusted text starts at or after {@code at}. */
    private static int untrustedFrom(PromptText prompt, int at) {
        List<PromptText.Range> ranges = prompt.untrusted();
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ranges.get(middle).to() <= at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low == ranges.size() ? prompt.text().length() : Math.max(at, ranges.get(low).from());
    }

    /** C's isspace in the C locale. */
    private static boolean isSpace(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
    }
}
