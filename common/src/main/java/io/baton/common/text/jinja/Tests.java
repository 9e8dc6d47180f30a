package io.baton.common.text.jinja;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tests after {@code is}. */
final class Tests {
    private static final Map<String, Test> ALL = new HashMap<>();

    static {
        plain("defined", value -> !(value instanceof Value.Undefined));
        plain("undefined", value -> value instanceof Value.Undefined);
        plain("none", value -> value == Value.None.NONE);
        plain("boolean", value -> value instanceof Value.Bool);
        plain("true", value -> value == Value.Bool.TRUE);
        plain("false", value -> value == Value.Bool.FALSE);
        plain("integer", value -> value instanceof Value.Int);
        plain("float", value -> value instanceof Value.Real);
        plain("number", Operators::isNumber);
        plain("string", value -> value instanceof StrValue);
        plain("mapping", value -> value instanceof DictValue);
        plain("sequence", Tests::isSequence);
        plain("iterable", Tests::isIterable);
        plain(
                "callable",
                value -> value instanceof Value.Callable || value instanceof Value.Undefined);
        plain("escaped", value -> value instanceof StrValue text && text.markup());
        ALL.put("odd", (evaluator, value, arguments) -> rest(evaluator, value, Value.Int.of(2), 1));
        ALL.put(
                "even",
                (evaluator, value, arguments) -> rest(evaluator, value, Value.Int.of(2), 0));
        ALL.put("lower", (evaluator, value, arguments) -> isCase(evaluator, value, false));
        ALL.put("upper", (evaluator, value, arguments) -> isCase(evaluator, value, true));
        ALL.put(
                "divisibleby",
                (evaluator, value, arguments) ->
                        rest(
                                evaluator,
                                value,
                                arguments.bind("divisibleby", "num").required(0),
                                0));
        ALL.put(
                "sameas",
                (evaluator, value, arguments) ->
                        value == arguments.bind("sameas", "other").required(0));
        ALL.put(
                "filter",
                (evaluator, value, arguments) ->
                        value instanceof StrValue name && Filters.isKnown(name.text()));
        ALL.put(
                "test",
                (evaluator, value, arguments) ->
                        value instanceof StrValue name && isKnown(name.text()));
        relation(Expr.Relation.EQUAL, "==", "eq", "equalto");
        relation(Expr.Relation.NOT_EQUAL, "!=", "ne");
        relation(Expr.Relation.LESS, "<", "lt", "lessthan");
        relation(Expr.Relation.LESS_OR_EQUAL, "<=", "le");
        relation(Expr.Relation.GREATER, ">", "gt", "greaterthan");
        relation(Expr.Relation.GREATER_OR_EQUAL, ">=", "ge");
        relation(Expr.Relation.IN, "in");
    }

    private Tests() {}

    /** One test. */
    @FunctionalInterface
    interface Test {
        boolean holds(Evaluator evaluator, Value value, Arguments arguments);
    }

    /** A test without arguments. */
    @FunctionalInterface
    private interface Plain {
        boolean holds(Value value);
    }

    static boolean isKnown(String name) {
        return ALL.containsKey(name);
    }

    static @Nullable Test find(String name) {
        return ALL.get(name);
    }

    private static void plain(String name, Plain test) {
        ALL.put(
                name,
                (evaluator, value, arguments) -> {
                    arguments.bind(name);
                    return test.holds(value);
                });
    }

    private static void relation(Expr.Relation relation, String... names) {
        for (String name : names) {
            ALL.put(
                    name,
                    (evaluator, value, arguments) ->
                            evaluator.holds(
                                    relation, value, arguments.bind(name, "other").required(0)));
        }
    }

    private static boolean isSequence(Value value) {
        return switch (value) {
            case StrValue _, Value.Sequence _, DictValue _, Value.Undefined _ -> true;
            case Value.None _,
                    Value.Bool _,
                    Value.Int _,
                    Value.Real _,
                    Value.View _,
                    Value.Callable _,
                    GeneratorValue _,
                    NamespaceValue _,
                    LoopValue _ ->
                    false;
        };
    }

    private static boolean isIterable(Value value) {
        return isSequence(value)
                || value instanceof Value.View
                || value instanceof GeneratorValue
                || value instanceof LoopValue;
    }

    /** Whether {@code value % by} is {@code rest}. */
    private static boolean rest(Evaluator evaluator, Value value, Value by, int rest) {
        Budget budget = evaluator.budget();
        Value actual = Arithmetic.apply(Arithmetic.Operator.MODULO, value, by, budget);
        return Operators.equal(actual, Value.Int.of(rest), budget);
    }

    private static boolean isCase(Evaluator evaluator, Value value, boolean upper) {
        String text = Printer.str(value, evaluator.budget()).text();
        String changed = upper ? text.toUpperCase(Locale.ROOT) : text.toLowerCase(Locale.ROOT);
        return text.equals(changed)
                && text.codePoints()
                        .anyMatch(c -> upper ? Character.isUpperCase(c) : Character.isLowerCase(c));
    }
}
