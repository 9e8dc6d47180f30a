package io.baton.common.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.Constraint;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/** Answers of a grammar, taken token by token at random from its masks. */
record Walks(FakeTokens tokens, Grammars grammars) {
    static final Set<Integer> ENDS = Set.of(FakeTokens.END, FakeTokens.OTHER_END);

    static Walks over(FakeTokens tokens) {
        return new Walks(tokens, Grammars.of(tokens));
    }

    Grammar compile(Constraint.Kind kind, String text) {
        return grammars.compile(new Constraint(kind, text), "test");
    }

    /**
     * An answer of up to {@code most} tokens, empty if it has not ended by then. Where it may end,
     * it does so with a chance of {@code 1 / patience}.
     */
    Optional<String> walk(Grammar grammar, SplittableRandom random, int most, int patience) {
        TokenConstraint constraint = grammars.start(grammar, ENDS);
        int[] taken = new int[most];
        for (int count = 0; count < most; count++) {
            TokenMask mask = constraint.mask(taken, 0, count);
            if (mask.allows(FakeTokens.END)
                    && (mask.count() == ENDS.size() || random.nextInt(patience) == 0)) {
                return Optional.of(tokens.text(taken, count));
            }
            taken[count] = pick(mask, random);
        }
        return Optional.empty();
    }

    /** Any allowed token that does not end the answer. */
    private int pick(TokenMask mask, SplittableRandom random) {
        int ends = (int) ENDS.stream().filter(mask::allows).count();
        int at = random.nextInt(mask.count() - ends);
        for (int word = 0; word < mask.words().length; word++) {
            for (long bits = mask.words()[word]; bits != 0; bits &= bits - 1) {
                int token = (word << 6) + Long.numberOfTrailingZeros(bits);
                if (!ENDS.contains(token) && at-- == 0) {
                    return token;
                }
            }
        }
        throw new AssertionError("the mask has fewer tokens than it counts");
    }

    /** Checks masks on the way of a walk against trying every token. */
    void requireExact(Grammar grammar, SplittableRandom random, int most) {
        TokenConstraint constraint = grammars.start(grammar, ENDS);
        GrammarState state = grammar.first();
        int[] taken = new int[most];
        for (int count = 0; count < most; count++) {
            TokenMask mask = constraint.mask(taken, 0, count);
            for (int token = 0; token < tokens.vocabSize(); token++) {
                assertEquals(
                        ENDS.contains(token) ? state.complete() : follows(state, token),
                        mask.allows(token),
                        "token %d (%s) after '%s'"
                                .formatted(token, tokens.name(token), tokens.text(taken, count)));
            }
            // The same from nothing: no memory is in it.
            TokenMask anew = grammars.start(grammar, ENDS).mask(taken, 0, count);
            assertTrue(java.util.Arrays.equals(mask.words(), anew.words()));
            if (mask.count() == ENDS.size() && mask.allows(FakeTokens.END)) {
                return;
            }
            taken[count] = pick(mask, random);
            state = Objects.requireNonNull(state.after(TokenTrie.spelling(tokens, taken[count])));
        }
    }

    private boolean follows(GrammarState state, int token) {
        byte[] spelling = TokenTrie.spelling(tokens, token);
        return spelling.length > 0 && state.after(spelling) != null;
    }
}
