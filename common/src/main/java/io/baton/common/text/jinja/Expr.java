package io.baton.common.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression. {@code at} is its place in the source, in UTF-16 units. */
sealed interface Expr {
    int at();

    /** A literal. */
    record Const(Value value, int at) implements Expr {}

    /** A variable. */
    record Name(String name, int at) implements Expr {}

    /** {@code target.name}. */
    record Attribute(Expr target, String name, int at) implements Expr {}

    /** {@code target[index]}. */
    record Item(Expr target, Expr index, int at) implements Expr {}

    /** {@code target[start:stop:step]}. */
    record Slice(
            Expr target, @Nullable Expr start, @Nullable Expr stop, @Nullable Expr step, int at)
            implements Expr {}

    /** {@code callee(arguments)}. */
    record Call(Expr callee, Args args, int at) implements Expr {}

    /** {@code input|name(arguments)}; input is null where a block's body is filtered. */
    record Filtered(@Nullable Expr input, String name, Args args, int at) implements Expr {}

    /** {@code input is name(arguments)}. */
    record Tested(Expr input, String name, Args args, int at) implements Expr {}

    /** {@code not operand}. */
    record Not(Expr operand, int at) implements Expr {}

    /** {@code -operand} and {@code +operand}. */
    record Signed(boolean minus, Expr operand, int at) implements Expr {}

    /** {@code left and right}: one of the operands. */
    record And(Expr left, Expr right, int at) implements Expr {}

    /** {@code left or right}: one of the operands. */
    record Or(Expr left, Expr right, int at) implements Expr {}

    /** Arithmetic. */
    record Binary(Arithmetic.Operator operator, Expr left, Expr right, int at) implements Expr {}

    /** {@code a ~ b ~ c}. */
    record Concat(List<Expr> parts, int at) implements Expr {}

    /** {@code first < second <= third}: a chain, true if every link is. */
    record Compare(Expr first, List<Link> links, int at) implements Expr {}

    /** {@code then if condition else otherwise}. */
    record Conditional(Expr condition, Expr then, @Nullable Expr otherwise, int at)
            implements Expr {}

    record ListLiteral(List<Expr> items, int at) implements Expr {}

    record TupleLiteral(List<Expr> items, int at) implements Expr {}

    record DictLiteral(List<Pair> pairs, int at) implements Expr {}

    /** One entry of a dict literal. */
    record Pair(Expr key, Expr value) {}

    /** One comparison of a chain. */
    record Link(Relation relation, Expr right) {}

    /** What a comparison asks. */
    enum Relation {
        EQUAL,
        NOT_EQUAL,
        LESS,
        LESS_OR_EQUAL,
        GREATER,
        GREATER_OR_EQUAL,
        IN,
        NOT_IN
    }

    /** One keyword argument. */
    record Keyword(String name, Expr value) {}

    /** The arguments of a call as written. */
    record Args(
            List<Expr> positional,
            List<Keyword> named,
            @Nullable Expr star,
            @Nullable Expr starStar) {
        static final Args NONE = new Args(List.of(), List.of(), null, null);
    }
}
