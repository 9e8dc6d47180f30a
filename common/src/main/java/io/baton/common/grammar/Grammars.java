package io.baton.common.grammar;

import io.baton.common.error.BatonException;
import io.baton.common.generation.Constraint;
import io.baton.common.text.Tokenizer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The constraints of one model: compiles them, and makes what its sequences ask for masks. Compiled
 * grammars are kept, the ones used last. The table of tokens is made when it is first asked for: a
 * router, which only compiles, never makes it. Safe for any thread.
 */
public final class Grammars {
    /** Most grammars kept, and most table cells of them together. */
    private static final int MAX_KEPT = 64;

    private static final long MAX_KEPT_CELLS = 16L << 20;

    private final Tokenizer tokenizer;
    private final Map<Constraint, Kept> kept = new LinkedHashMap<>(64, 0.75f, true);
    private long keptCells;
    private @Nullable Terminals terminals;
    private @Nullable MaskMaker masks;

    private record Kept(Grammar grammar, long cells) {}

    private Grammars(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    public static Grammars of(Tokenizer tokenizer) {
        return new Grammars(tokenizer);
    }

    /**
     * Compiles a constraint, or finds it compiled.
     *
     * @param param the request's parameter that it came in, for errors
     * @throws BatonException INVALID_VALUE or UNSUPPORTED_PARAMETER, saying what and where
     */
    public Grammar compile(Constraint constraint, String param) {
        Grammar known = find(constraint);
        if (known != null) {
            return known;
        }
        try {
            if (constraint.text().length() > Constraint.MAX_CHARACTERS) {
                throw Refusal.invalid(
                        "it has %d characters, at most %d are taken"
                                .formatted(constraint.text().length(), Constraint.MAX_CHARACTERS));
            }
            requireEnd();
            Terminals budgeted = terminals().forOne();
            Grammar grammar = new Grammar(constraint, Compiler.compile(constraint, budgeted));
            keep(grammar, budgeted.cells());
            return grammar;
        } catch (Refusal e) {
            throw new BatonException(
                    e.code(), "'%s': %s".formatted(param, e.getMessage()), param, e);
        }
    }

    /**
     * The rule of one sequence's tokens.
     *
     * @param ends tokens that end the answer
     */
    public TokenConstraint start(Grammar grammar, Set<Integer> ends) {
        return new TokenConstraint(grammar, masks(), tokenizer, ends);
    }

    /** An answer must be able to end where its text is complete. */
    private void requireEnd() {
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            if (tokenizer.isEndOfGeneration(token)) {
                return;
            }
        }
        throw Refusal.invalid(
                "the model has no token that ends an answer, so answers cannot be constrained");
    }

    private synchronized @Nullable Grammar find(Constraint constraint) {
        Kept found = kept.get(constraint);
        return found == null ? null : found.grammar();
    }

    private synchronized void keep(Grammar grammar, long cells) {
        Kept before = kept.put(grammar.constraint(), new Kept(grammar, cells));
        keptCells += cells - (before == null ? 0 : before.cells());
        var oldest = kept.values().iterator();
        while (kept.size() > MAX_KEPT || keptCells > MAX_KEPT_CELLS && kept.size() > 1) {
            keptCells -= oldest.next().cells();
            oldest.remove();
        }
    }

    private synchronized Terminals terminals() {
        if (terminals == null) {
            terminals = new Terminals(tokenizer);
        }
        return terminals;
    }

    private synchronized MaskMaker masks() {
        if (masks == null) {
            masks = new MaskMaker(TokenTrie.of(tokenizer));
        }
        return masks;
    }
}
