package io.baton.engine;

import io.baton.common.grammar.Grammars;
import java.util.Set;

/**
 * What an engine knows of its tokens' meaning. Immutable; several engines may share one.
 *
 * @param endTokens tokens that end an answer unless the request ignores them
 * @param grammars compiles constraints of answers
 */
public record Language(Set<Integer> endTokens, Grammars grammars) {
    public Language {
        endTokens = Set.copyOf(endTokens);
    }
}
