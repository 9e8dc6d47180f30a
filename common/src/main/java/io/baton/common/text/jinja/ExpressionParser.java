package io.baton.common.text.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads expressions, from the loosest binding to the tightest: {@code a if b else c}, or, and, not,
 * comparisons, {@code + -}, {@code ~}, {@code * / // %}, {@code **}, signs, then {@code . [] ()}
 * and last {@code | is}.
 */
final class ExpressionParser {
    private static final Set<String> MACRO_NAMES = Set.of("caller", "varargs", "kwargs");

    private final TokenStream stream;
    private final PrimaryParser primaries;
    private final List<TemplateFailure> unknown = new ArrayList<>();
    private final Deque<Set<String>> mentioned = new ArrayDeque<>();
    private boolean soft;

    ExpressionParser(TokenStream stream) {
        this.stream = stream;
        this.primaries = new PrimaryParser(stream, this);
    }

    PrimaryParser primaries() {
        return primaries;
    }

    /**
     * Whether what follows is only run on a condition: there an unknown filter or test fails when
     * it is run, elsewhere when the template is parsed. Returns what held before.
     */
    boolean soft(boolean conditional) {
        boolean before = soft;
        soft = conditional;
        return before;
    }

    /** Starts to note the macro's special names. */
    void startMentions() {
        mentioned.push(new HashSet<>());
    }

    Set<String> endMentions() {
        return mentioned.pop();
    }

    void mention(String name) {
        if (MACRO_NAMES.contains(name)) {
            mentioned.forEach(names -> names.add(name));
        }
    }

    void checkFilter(String name, int at) {
        if (!soft && !Filters.isKnown(name)) {
            unknown.add(TemplateFailure.syntax("No filter named '" + name + "'.", at));
        }
    }

    void checkTest(String name, int at) {
        if (!soft && !Tests.isKnown(name)) {
            unknown.add(TemplateFailure.syntax("No test named '" + name + "'.", at));
        }
    }

    /** To be called when all is parsed: fails on filters and tests that do not exist. */
    void checkUnknown() {
        if (!unknown.isEmpty()) {
            throw unknown.getFirst();
        }
    }

    /** An expression with {@code if} and {@code else}. */
    Expr expression() {
        stream.enter();
        int mark = unknown.size();
        Expr then = or();
        while (stream.isName("if")) {
            int at = stream.take().at();
            Expr condition = or();
            Expr otherwise = stream.skipName("else") ? expression() : null;
            then = new Expr.Conditional(condition, then, otherwise, at);
            unknown.subList(mark, unknown.size()).clear();
        }
        stream.leave();
        return then;
    }

    /** An expression without {@code if}. */
    Expr or() {
        Expr left = and();
        while (stream.isName("or")) {
            int at = stream.take().at();
            left = new Expr.Or(left, and(), at);
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        while (stream.isName("and")) {
            int at = stream.take().at();
            left = new Expr.And(left, not(), at);
        }
        return left;
    }

    private Expr not() {
        if (!stream.isName("not")) {
            return comparison();
        }
        int at = stream.take().at();
        stream.enter();
        Expr operand = not();
        stream.leave();
        return new Expr.Not(operand, at);
    }

    private Expr comparison() {
        int at = stream.current().at();
        Expr first = sum();
        List<Expr.Link> links = new ArrayList<>();
        while (true) {
            Token token = stream.current();
            Expr.Relation relation = relation(token);
            if (relation == null) {
                break;
            }
            stream.take();
            if (relation == Expr.Relation.NOT_IN) {
                stream.take();
            }
            links.add(new Expr.Link(relation, sum()));
        }
        return links.isEmpty() ? first : new Expr.Compare(first, List.copyOf(links), at);
    }

    private Expr.@Nullable Relation relation(Token token) {
        if (token.isName("in")) {
            return Expr.Relation.IN;
        }
        if (token.isName("not") && stream.look().isName("in")) {
            return Expr.Relation.NOT_IN;
        }
        if (token.kind() != Token.Kind.OPERATOR) {
            return null;
        }
        return switch (token.text()) {
            case "==" -> Expr.Relation.EQUAL;
            case "!=" -> Expr.Relation.NOT_EQUAL;
            case "<" -> Expr.Relation.LESS;
            case "<=" -> Expr.Relation.LESS_OR_EQUAL;
            case ">" -> Expr.Relation.GREATER;
            case ">=" -> Expr.Relation.GREATER_OR_EQUAL;
            default -> null;
        };
    }

    private Expr sum() {
        Expr left = concat();
        while (stream.isOperator("+") || stream.isOperator("-")) {
            Token sign = stream.take();
            left =
                    new Expr.Binary(
                            sign.text().equals("+")
                                    ? Arithmetic.Operator.ADD
                                    : Arithmetic.Operator.SUBTRACT,
                            left,
                            concat(),
                            sign.at());
        }
        return left;
    }

    private Expr concat() {
        Expr first = product();
        if (!stream.isOperator("~")) {
            return first;
        }
        int at = stream.current().at();
        List<Expr> parts = new ArrayList<>();
        parts.add(first);
        while (stream.skipOperator("~")) {
            parts.add(product());
        }
        return new Expr.Concat(List.copyOf(parts), at);
    }

    private Expr product() {
        Expr left = power();
        while (true) {
            Token token = stream.current();
            Arithmetic.Operator operator = productOperator(token);
            if (operator == null) {
                return left;
            }
            stream.take();
            left = new Expr.Binary(operator, left, power(), token.at());
        }
    }

    private static Arithmetic.@Nullable Operator productOperator(Token token) {
        if (token.kind() != Token.Kind.OPERATOR) {
            return null;
        }
        return switch (token.text()) {
            case "*" -> Arithmetic.Operator.MULTIPLY;
            case "/" -> Arithmetic.Operator.DIVIDE;
            case "//" -> Arithmetic.Operator.FLOOR_DIVIDE;
            case "%" -> Arithmetic.Operator.MODULO;
            default -> null;
        };
    }

    private Expr power() {
        Expr left = unary(true);
        while (stream.isOperator("**")) {
            int at = stream.take().at();
            left = new Expr.Binary(Arithmetic.Operator.POWER, left, unary(true), at);
        }
        return left;
    }

    private Expr unary(boolean withFilters) {
        Expr node;
        if (stream.isOperator("-") || stream.isOperator("+")) {
            Token sign = stream.take();
            stream.enter();
            node = new Expr.Signed(sign.text().equals("-"), unary(false), sign.at());
            stream.leave();
        } else {
            node = primaries.primary();
        }
        node = primaries.postfix(node);
        return withFilters ? primaries.filters(node) : node;
    }

    /** A literal number. */
    static Value number(Token token) {
        if (token.kind() == Token.Kind.FLOAT) {
            return new Value.Real(Double.parseDouble(token.text()));
        }
        String digits = token.text();
        if (digits.length() > 1000) {
            throw TemplateFailure.syntax("a number of more than 1000 digits", token.at());
        }
        int radix = 10;
        if (digits.length() > 2 && digits.charAt(0) == '0') {
            radix =
                    switch (digits.charAt(1)) {
                        case 'x', 'X' -> 16;
                        case 'o', 'O' -> 8;
                        case 'b', 'B' -> 2;
                        default -> 10;
                    };
        }
        return new Value.Int(new BigInteger(radix == 10 ? digits : digits.substring(2), radix));
    }
}
