package io.baton.common.text.jinja;

import java.util.List;

/** Tokens, read one after the other, with a bound on how deep their reader may nest. */
final class TokenStream {
    private final List<Token> tokens;
    private final int maxDepth;
    private int next;
    private int depth;

    TokenStream(List<Token> tokens, int maxDepth) {
        this.tokens = tokens;
        this.maxDepth = maxDepth;
    }

    Token current() {
        return tokens.get(next);
    }

    /** The token after the current one. */
    Token look() {
        return tokens.get(Math.min(next + 1, tokens.size() - 1));
    }

    /** Returns the current token and moves on. */
    Token take() {
        Token token = tokens.get(next);
        if (next < tokens.size() - 1) {
            next++;
        }
        return token;
    }

    boolean is(Token.Kind kind) {
        return current().kind() == kind;
    }

    boolean isOperator(String sign) {
        return current().isOperator(sign);
    }

    boolean isName(String name) {
        return current().isName(name);
    }

    boolean skipOperator(String sign) {
        boolean there = isOperator(sign);
        if (there) {
            take();
        }
        return there;
    }

    boolean skipName(String name) {
        boolean there = isName(name);
        if (there) {
            take();
        }
        return there;
    }

    void expectOperator(String sign) {
        if (!skipOperator(sign)) {
            throw unexpected("'" + sign + "'");
        }
    }

    Token expect(Token.Kind kind, String what) {
        if (!is(kind)) {
            throw unexpected(what);
        }
        return take();
    }

    String expectName() {
        return expect(Token.Kind.NAME, "a name").text();
    }

    TemplateFailure unexpected(String expected) {
        return TemplateFailure.syntax(
                "expected " + expected + ", got " + current().shown(), current().at());
    }

    /** One level deeper; {@link #leave} is its counterpart where nothing is thrown. */
    void enter() {
        if (++depth > maxDepth) {
            throw TemplateFailure.syntax(
                    "the template nests deeper than " + maxDepth + " levels", current().at());
        }
    }

    void leave() {
        depth--;
    }
}
