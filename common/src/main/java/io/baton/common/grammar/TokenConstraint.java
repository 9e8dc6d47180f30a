package io.baton.common.grammar;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.text.Tokenizer;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens one sequence may take next. The answer is a pure function of (grammar, tokens since
 * the prompt): what this object remembers only saves going through them again, and where the tokens
 * are not those it has seen plus some more, it starts anew. One thread at a time.
 *
 * <p>Tokens that end an answer are allowed exactly where the text is complete; where nothing else
 * is, they are all that is allowed. After such a token (with {@code ignore_eos}, say, the answer
 * goes on) there are only they.
 */
public final class TokenConstraint {
    private final Grammar grammar;
    private final MaskMaker masks;
    private final Tokenizer tokenizer;
    private final Set<Integer> ends;

    private int[] seen = new int[64];
    private int seenCount;
    private GrammarState state;
    private boolean ended;

    private @Nullable GrammarState maskedState;
    private TokenMask mask = new TokenMask(new long[0]);

    TokenConstraint(Grammar grammar, MaskMaker masks, Tokenizer tokenizer, Set<Integer> ends) {
        this.grammar = grammar;
        this.masks = masks;
        this.tokenizer = tokenizer;
        this.ends = Set.copyOf(ends);
        this.state = grammar.first();
    }

    /**
     * The tokens allowed after {@code tokens[from, to)}, at least one.
     *
     * @param from where the answer begins, behind the prompt
     * @throws BatonException INVALID_VALUE if those tokens are not of the grammar themselves
     */
    public TokenMask mask(int[] tokens, int from, int to) {
        follow(tokens, from, to);
        if (ended) {
            maskedState = null;
            mask = new TokenMask(withEnds(new long[words()]));
            return mask;
        }
        if (maskedState == null || !maskedState.isSame(state)) {
            long[] allowed = masks.mask(state);
            mask = new TokenMask(state.complete() ? withEnds(allowed) : allowed);
            maskedState = state;
        }
        if (mask.count() == 0) {
            throw new BatonException(
                    ErrorCode.INTERNAL,
                    "no token of the model goes on with the text that the constraint asks for");
        }
        return mask;
    }

    /** Whether the text of {@code tokens[from, to)} is complete. */
    public boolean complete(int[] tokens, int from, int to) {
        follow(tokens, from, to);
        return ended || state.complete();
    }

    private int words() {
        return (masks.trie().vocab() + 63) >>> 6;
    }

    private long[] withEnds(long[] words) {
        for (int end : ends) {
            if (end >>> 6 < words.length) {
                words[end >>> 6] |= 1L << end;
            }
        }
        return words;
    }

    /**
     * Goes through {@code tokens[from, to)} now, where the next question would.
     *
     * @throws BatonException INVALID_VALUE if those tokens are not of the grammar
     */
    public void follow(int[] tokens, int from, int to) {
        int count = to - from;
        if (count < seenCount
                || !Arrays.equals(tokens, from, from + seenCount, seen, 0, seenCount)) {
            seenCount = 0;
            state = grammar.first();
            ended = false;
        }
        if (count > seen.length) {
            seen = Arrays.copyOf(seen, Math.max(count, 2 * seen.length));
        }
        while (seenCount < count) {
            int token = tokens[from + seenCount];
            take(token);
            seen[seenCount++] = token;
        }
    }

    private void take(int token) {
        if (ended) {
            if (!ends.contains(token)) {
                throw foreign(token);
            }
            return;
        }
        GrammarState next = null;
        if (!tokenizer.isEndOfGeneration(token)) {
            byte[] spelling = TokenTrie.spelling(tokenizer, token);
            next = spelling.length == 0 ? null : state.after(spelling);
        }
        if (next != null) {
            state = next;
        } else if (state.complete() && ends.contains(token)) {
            ended = true;
        } else {
            throw foreign(token);
        }
    }

    private BatonException foreign(int token) {
        return new BatonException(
                ErrorCode.INVALID_VALUE,
                "token %d (%s) at %d is not of the answer's grammar; router and worker differ in version or model"
                        .formatted(token, tokenizer.name(token), seenCount));
    }
}
