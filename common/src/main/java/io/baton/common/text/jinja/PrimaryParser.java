package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Reads literals, names, what follows them ({@code . [] ()}), filters, tests and arguments. */
final class PrimaryParser {
    private static final Set<String> NOT_AN_ARGUMENT = Set.of("else", "or", "and");

    private final TokenStream stream;
    private final ExpressionParser expressions;

    PrimaryParser(TokenStream stream, ExpressionParser expressions) {
        this.stream = stream;
        this.expressions = expressions;
    }

    Expr primary() {
        Token token = stream.current();
        switch (token.kind()) {
            case NAME -> {
                stream.take();
                return name(token);
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (stream.is(Token.Kind.STRING)) {
                    text.append(stream.take().text());
                }
                return new Expr.Const(StrValue.trusted(text.toString()), token.at());
            }
            case INTEGER, FLOAT -> {
                stream.take();
                return new Expr.Const(ExpressionParser.number(token), token.at());
            }
            case OPERATOR -> {
                return bracketed(token);
            }
            case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, END ->
                    throw stream.unexpected("an expression");
        }
        throw stream.unexpected("an expression");
    }

    private Expr name(Token token) {
        Value constant =
                switch (token.text()) {
                    case "true", "True" -> Value.Bool.TRUE;
                    case "false", "False" -> Value.Bool.FALSE;
                    case "none", "None" -> Value.None.NONE;
                    default -> null;
                };
        if (constant != null) {
            return new Expr.Const(constant, token.at());
        }
        expressions.mention(token.text());
        return new Expr.Name(token.text(), token.at());
    }

    private Expr bracketed(Token token) {
        return switch (token.text()) {
            case "(" -> {
                stream.take();
                Expr inner = tuple(true, expressions::expression);
                stream.expectOperator(")");
                yield inner;
            }
            case "[" -> {
                stream.take();
                yield new Expr.ListLiteral(items("]"), token.at());
            }
            case "{" -> {
                stream.take();
                yield dict(token.at());
            }
            default -> throw stream.unexpected("an expression");
        };
    }

    private List<Expr> items(String close) {
        List<Expr> items = new ArrayList<>();
        while (!stream.isOperator(close)) {
            if (!items.isEmpty()) {
                stream.expectOperator(",");
            }
            if (stream.isOperator(close)) {
                break;
            }
            items.add(expressions.expression());
        }
        stream.expectOperator(close);
        return List.copyOf(items);
    }

    private Expr dict(int at) {
        List<Expr.Pair> pairs = new ArrayList<>();
        while (!stream.isOperator("}")) {
            if (!pairs.isEmpty()) {
                stream.expectOperator(",");
            }
            if (stream.isOperator("}")) {
                break;
            }
            Expr key = expressions.expression();
            stream.expectOperator(":");
            pairs.add(new Expr.Pair(key, expressions.expression()));
        }
        stream.expectOperator("}");
        return new Expr.DictLiteral(List.copyOf(pairs), at);
    }

    /**
     * One expression, or a tuple of several with commas between.
     *
     * @param emptyAllowed whether nothing at all is an empty tuple
     * @param one reads an item
     */
    Expr tuple(boolean emptyAllowed, Supplier<Expr> one) {
        int at = stream.current().at();
        List<Expr> items = new ArrayList<>();
        boolean comma = false;
        while (!tupleEnds()) {
            items.add(one.get());
            comma = stream.isOperator(",");
            if (!comma) {
                break;
            }
            stream.take();
        }
        if (items.size() == 1 && !comma) {
            return items.getFirst();
        }
        if (items.isEmpty() && !emptyAllowed) {
            throw stream.unexpected("an expression");
        }
        return new Expr.TupleLiteral(List.copyOf(items), at);
    }

    private boolean tupleEnds() {
        return stream.is(Token.Kind.VARIABLE_END)
                || stream.is(Token.Kind.BLOCK_END)
                || stream.isOperator(")");
    }

    Expr postfix(Expr node) {
        Expr result = node;
        while (true) {
            int at = stream.current().at();
            if (stream.skipOperator(".")) {
                result = attribute(result, at);
            } else if (stream.skipOperator("[")) {
                result = subscript(result, at);
            } else if (stream.isOperator("(")) {
                result = new Expr.Call(result, args(), at);
            } else {
                return result;
            }
        }
    }

    private Expr attribute(Expr target, int at) {
        if (stream.is(Token.Kind.INTEGER)) {
            Token index = stream.take();
            return new Expr.Item(
                    target, new Expr.Const(ExpressionParser.number(index), index.at()), at);
        }
        return new Expr.Attribute(target, stream.expectName(), at);
    }

    private Expr subscript(Expr target, int at) {
        Expr start = stream.isOperator(":") ? null : expressions.expression();
        if (!stream.isOperator(":")) {
            if (start == null) {
                throw stream.unexpected("an expression");
            }
            Expr index = start;
            if (stream.isOperator(",")) {
                List<Expr> parts = new ArrayList<>();
                parts.add(start);
                while (stream.skipOperator(",")) {
                    parts.add(expressions.expression());
                }
                index = new Expr.TupleLiteral(List.copyOf(parts), at);
            }
            stream.expectOperator("]");
            return new Expr.Item(target, index, at);
        }
        stream.take();
        Expr stop = bound();
        Expr step = stream.skipOperator(":") ? bound() : null;
        stream.expectOperator("]");
        return new Expr.Slice(target, start, stop, step, at);
    }

    private @Nullable Expr bound() {
        return stream.isOperator(":") || stream.isOperator("]") ? null : expressions.expression();
    }

    /** Filters, tests and calls after an expression. */
    Expr filters(Expr node) {
        Expr result = node;
        while (true) {
            int at = stream.current().at();
            if (stream.skipOperator("|")) {
                result = filter(result);
            } else if (stream.skipName("is")) {
                result = test(result, at);
            } else if (stream.isOperator("(")) {
                result = new Expr.Call(result, args(), at);
            } else {
                return result;
            }
        }
    }

    /** One filter, its {@code |} already taken. */
    Expr.Filtered filter(@Nullable Expr input) {
        int at = stream.current().at();
        String name = dottedName();
        Expr.Args args = stream.isOperator("(") ? args() : Expr.Args.NONE;
        expressions.checkFilter(name, at);
        return new Expr.Filtered(input, name, args, at);
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(stream.expectName());
        while (stream.skipOperator(".")) {
            name.append('.').append(stream.expectName());
        }
        return name.toString();
    }

    private Expr test(Expr input, int at) {
        boolean negated = stream.skipName("not");
        String name = dottedName();
        Expr.Args args = Expr.Args.NONE;
        if (stream.isOperator("(")) {
            args = args();
        } else if (startsArgument(stream.current())) {
            if (stream.isName("is")) {
                throw TemplateFailure.syntax(
                        "You cannot chain multiple tests with is", stream.current().at());
            }
            Expr argument = postfix(primary());
            args = new Expr.Args(List.of(argument), List.of(), null, null);
        }
        expressions.checkTest(name, at);
        Expr tested = new Expr.Tested(input, name, args, at);
        return negated ? new Expr.Not(tested, at) : tested;
    }

    private static boolean startsArgument(Token token) {
        return switch (token.kind()) {
            case NAME -> !NOT_AN_ARGUMENT.contains(token.text());
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, END -> false;
        };
    }

    /** Arguments in parentheses. */
    Expr.Args args() {
        stream.expectOperator("(");
        List<Expr> positional = new ArrayList<>();
        List<Expr.Keyword> named = new ArrayList<>();
        Expr star = null;
        Expr starStar = null;
        boolean first = true;
        while (!stream.isOperator(")")) {
            if (!first) {
                stream.expectOperator(",");
                if (stream.isOperator(")")) {
                    break;
                }
            }
            first = false;
            Token token = stream.current();
            if (star == null && starStar == null && stream.skipOperator("*")) {
                star = expressions.expression();
            } else if (starStar == null && stream.skipOperator("**")) {
                starStar = expressions.expression();
            } else if (token.kind() == Token.Kind.NAME && stream.look().isOperator("=")) {
                stream.take();
                stream.take();
                named.add(new Expr.Keyword(token.text(), expressions.expression()));
            } else if (named.isEmpty() && star == null && starStar == null) {
                positional.add(expressions.expression());
            } else {
                throw TemplateFailure.syntax(
                        "invalid syntax for function call expression", token.at());
            }
        }
        stream.expectOperator(")");
        return new Expr.Args(List.copyOf(positional), List.copyOf(named), star, starStar);
    }
}
