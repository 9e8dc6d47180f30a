package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the statements of a template. */
final class StatementParser {
    private static final Set<String> REFUSED =
            Set.of("include", "import", "from", "extends", "block", "autoescape", "print", "do");

    private final TokenStream stream;
    private final ExpressionParser expressions;
    private int loops;

    private StatementParser(TokenStream stream) {
        this.stream = stream;
        this.expressions = new ExpressionParser(stream);
    }

    /** The statements of a {@link Lexer#normalized} source. */
    static List<Stmt> parse(String source, Limits limits) {
        StatementParser parser =
                new StatementParser(new TokenStream(Lexer.tokens(source), limits.parseDepth()));
        List<Stmt> statements = parser.body(Set.of(), null);
        parser.expressions.checkUnknown();
        return statements;
    }

    /** Statements up to a tag with one of these names, which becomes the current token. */
    private List<Stmt> body(Set<String> ends, @Nullable Token opener) {
        stream.enter();
        List<Stmt> statements = new ArrayList<>();
        while (true) {
            Token token = stream.current();
            switch (token.kind()) {
                case DATA -> statements.add(new Stmt.Data(StrValue.trusted(stream.take().text())));
                case VARIABLE_BEGIN -> {
                    stream.take();
                    statements.add(
                            new Stmt.Output(
                                    expressions.primaries().tuple(false, expressions::expression)));
                    stream.expect(Token.Kind.VARIABLE_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    stream.take();
                    Token tag = stream.current();
                    if (tag.kind() == Token.Kind.NAME && ends.contains(tag.text())) {
                        stream.leave();
                        return List.copyOf(statements);
                    }
                    statements.add(statement());
                    stream.expect(Token.Kind.BLOCK_END, "'%}'");
                }
                case VARIABLE_END, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR ->
                        throw stream.unexpected("template data or a tag");
                case END -> {
                    if (opener != null) {
                        throw TemplateFailure.syntax(
                                "'" + opener.text() + "' is never closed: expected one of " + ends,
                                opener.at());
                    }
                    stream.leave();
                    return List.copyOf(statements);
                }
            }
        }
    }

    /** The body of a tag up to its end tag, which is taken. */
    private List<Stmt> bodyTo(String end, Token opener) {
        List<Stmt> body = body(Set.of(end), opener);
        stream.take();
        return body;
    }

    /**
     * Like {@link #bodyTo} for what is a scope of its own: no break, own rule for unknown names.
     */
    private List<Stmt> ownBody(String end, Token opener) {
        int outerLoops = loops;
        loops = 0;
        List<Stmt> body = hard(end, opener);
        loops = outerLoops;
        return body;
    }

    private List<Stmt> hard(String end, Token opener) {
        blockEnd();
        boolean before = expressions.soft(false);
        List<Stmt> body = bodyTo(end, opener);
        expressions.soft(before);
        return body;
    }

    private void blockEnd() {
        stream.expect(Token.Kind.BLOCK_END, "'%}'");
    }

    private Stmt statement() {
        Token tag = stream.expect(Token.Kind.NAME, "the name of a tag");
        return switch (tag.text()) {
            case "if" -> conditional(tag);
            case "for" -> loop(tag);
            case "set" -> assignment(tag);
            case "macro" -> macro(tag);
            case "call" -> callBlock(tag);
            case "filter" -> {
                Expr.Filtered filter = filterChain();
                yield new Stmt.FilterBlock(filter, ownBody("endfilter", tag));
            }
            case "with" -> with(tag);
            case "generation" -> new Stmt.Generation(ownBody("endgeneration", tag));
            case "break", "continue" -> {
                if (loops == 0) {
                    throw TemplateFailure.syntax(
                            "'" + tag.text() + "' outside of a loop", tag.at());
                }
                yield tag.text().equals("break") ? new Stmt.Break() : new Stmt.Continue();
            }
            default ->
                    throw TemplateFailure.syntax(
                            REFUSED.contains(tag.text())
                                    ? "the tag '" + tag.text() + "' is not supported"
                                    : "Encountered unknown tag '" + tag.text() + "'.",
                            tag.at());
        };
    }

    private Stmt conditional(Token tag) {
        boolean before = expressions.soft(true);
        List<Stmt.Branch> branches = new ArrayList<>();
        List<Stmt> otherwise = List.of();
        while (true) {
            Expr condition = expressions.primaries().tuple(false, expressions::or);
            blockEnd();
            branches.add(new Stmt.Branch(condition, body(Set.of("elif", "else", "endif"), tag)));
            Token end = stream.take();
            if (end.isName("elif")) {
                continue;
            }
            if (end.isName("else")) {
                blockEnd();
                otherwise = bodyTo("endif", tag);
            }
            expressions.soft(before);
            return new Stmt.If(List.copyOf(branches), otherwise);
        }
    }

    private Stmt loop(Token tag) {
        Stmt.Target target = target(false);
        if (!stream.skipName("in")) {
            throw stream.unexpected("'in'");
        }
        Expr items = expressions.primaries().tuple(false, expressions::or);
        Expr filter = stream.skipName("if") ? expressions.expression() : null;
        if (stream.isName("recursive")) {
            throw TemplateFailure.syntax(
                    "the recursive form of 'for' is not supported", stream.current().at());
        }
        blockEnd();
        boolean before = expressions.soft(false);
        loops++;
        List<Stmt> body = body(Set.of("endfor", "else"), tag);
        loops--;
        List<Stmt> otherwise = List.of();
        if (stream.take().isName("else")) {
            blockEnd();
            otherwise = bodyTo("endfor", tag);
        }
        expressions.soft(before);
        return new Stmt.For(target, items, filter, body, otherwise);
    }

    private Stmt assignment(Token tag) {
        Stmt.Target target = target(true);
        if (stream.skipOperator("=")) {
            return new Stmt.Assign(
                    target, expressions.primaries().tuple(false, expressions::expression));
        }
        Expr.Filtered filter = stream.skipOperator("|") ? filterChain() : null;
        return new Stmt.AssignBlock(target, filter, ownBody("endset", tag));
    }

    /** {@code a|b|c} without the input of {@code a}. */
    private Expr.Filtered filterChain() {
        Expr.Filtered filter = expressions.primaries().filter(null);
        while (stream.skipOperator("|")) {
            filter = expressions.primaries().filter(filter);
        }
        return filter;
    }

    private Stmt.Target target(boolean members) {
        int at = stream.current().at();
        List<Stmt.Target> targets = new ArrayList<>();
        boolean comma = false;
        do {
            if (!stream.is(Token.Kind.NAME) && !stream.isOperator("(")) {
                break;
            }
            if (stream.isName("in") && !targets.isEmpty()) {
                break;
            }
            targets.add(oneTarget(members));
            comma = stream.skipOperator(",");
        } while (comma);
        if (targets.isEmpty()) {
            throw stream.unexpected("a name to assign to");
        }
        return targets.size() == 1 && !comma
                ? targets.getFirst()
                : new Stmt.Target.Unpack(List.copyOf(targets), at);
    }

    private Stmt.Target oneTarget(boolean members) {
        int at = stream.current().at();
        if (stream.skipOperator("(")) {
            stream.enter();
            Stmt.Target inner = target(members);
            stream.leave();
            stream.expectOperator(")");
            return inner;
        }
        String name = stream.expectName();
        switch (name) {
            case "true", "false", "none", "True", "False", "None" ->
                    throw TemplateFailure.syntax("can't assign to '" + name + "'", at);
            default -> {}
        }
        if (members && stream.skipOperator(".")) {
            return new Stmt.Target.Member(name, stream.expectName(), at);
        }
        return new Stmt.Target.Variable(name, at);
    }

    private Stmt macro(Token tag) {
        String name = stream.expectName();
        stream.expectOperator("(");
        List<Stmt.Parameter> parameters = parameters();
        expressions.startMentions();
        List<Stmt> body = ownBody("endmacro", tag);
        return new Stmt.Macro(name, signature(parameters, expressions.endMentions()), body);
    }

    private Stmt callBlock(Token tag) {
        List<Stmt.Parameter> parameters = stream.skipOperator("(") ? parameters() : List.of();
        Token at = stream.current();
        Expr call = expressions.expression();
        if (!(call instanceof Expr.Call target)) {
            throw TemplateFailure.syntax("expected call", at.at());
        }
        expressions.startMentions();
        List<Stmt> body = ownBody("endcall", tag);
        return new Stmt.CallBlock(target, signature(parameters, expressions.endMentions()), body);
    }

    private static Stmt.Signature signature(
            List<Stmt.Parameter> parameters, Set<String> mentioned) {
        Set<String> special = new HashSet<>(mentioned);
        parameters.forEach(parameter -> special.remove(parameter.name()));
        return new Stmt.Signature(
                parameters,
                special.contains("caller"),
                special.contains("varargs"),
                special.contains("kwargs"));
    }

    /** Parameters up to the closing parenthesis; the opening one is taken. */
    private List<Stmt.Parameter> parameters() {
        List<Stmt.Parameter> parameters = new ArrayList<>();
        while (!stream.isOperator(")")) {
            if (!parameters.isEmpty()) {
                stream.expectOperator(",");
            }
            Token name = stream.expect(Token.Kind.NAME, "the name of a parameter");
            Expr defaultValue = stream.skipOperator("=") ? expressions.expression() : null;
            if (defaultValue == null
                    && !parameters.isEmpty()
                    && parameters.getLast().defaultValue() != null) {
                throw TemplateFailure.syntax(
                        "non-default argument follows default argument", name.at());
            }
            parameters.add(new Stmt.Parameter(name.text(), defaultValue));
        }
        stream.expectOperator(")");
        return List.copyOf(parameters);
    }

    private Stmt with(Token tag) {
        List<Stmt.Assign> assignments = new ArrayList<>();
        while (!stream.is(Token.Kind.BLOCK_END)) {
            if (!assignments.isEmpty()) {
                stream.expectOperator(",");
            }
            Token name = stream.expect(Token.Kind.NAME, "a name to assign to");
            stream.expectOperator("=");
            assignments.add(
                    new Stmt.Assign(
                            new Stmt.Target.Variable(name.text(), name.at()),
                            expressions.expression()));
        }
        return new Stmt.With(List.copyOf(assignments), hard("endwith", tag));
    }
}
