package io.baton.common.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's truth, equality, order, arithmetic and membership. */
final class Operators {
    /** Largest integer that arithmetic makes, in bits. */
    static final int MAX_INT_BITS = 8192;

    private static final int MAX_DEPTH = 100;

    private Operators() {}

    static boolean truth(Value value) {
        return switch (value) {
            case Value.None _, Value.Undefined _ -> false;
            case Value.Bool bool -> bool == Value.Bool.TRUE;
            case Value.Int number -> number.value().signum() != 0;
            case Value.Real real -> real.value() != 0;
            case StrValue text -> !text.text().isEmpty();
            case Value.Sequence sequence -> !sequence.items().isEmpty();
            case Value.View view -> !view.items().isEmpty();
            case DictValue dict -> dict.size() > 0;
            case Value.Callable _, GeneratorValue _, NamespaceValue _, LoopValue _ -> true;
        };
    }

    static boolean equal(Value a, Value b, Budget budget) {
        return equal(a, b, budget, 0);
    }

    private static boolean equal(Value a, Value b, Budget budget, int depth) {
        if (depth > MAX_DEPTH) {
            throw TemplateFailure.limit(
                    "values to be compared nest deeper than " + MAX_DEPTH + " levels");
        }
        budget.spend(1);
        if (isNumber(a) && isNumber(b)) {
            return !isNan(a) && !isNan(b) && compareNumbers(a, b) == 0;
        }
        return switch (a) {
            case StrValue text -> b instanceof StrValue other && equal(text, other, budget);
            case Value.Undefined _ -> b instanceof Value.Undefined;
            case Value.ListValue list ->
                    b instanceof Value.ListValue other
                            && equal(list.items(), other.items(), budget, depth);
            case Value.Tuple tuple ->
                    b instanceof Value.Tuple other
                            && equal(tuple.items(), other.items(), budget, depth);
            case Value.Range range ->
                    b instanceof Value.Range other
                            && equal(range.items(), other.items(), budget, depth);
            case DictValue dict ->
                    b instanceof DictValue other && equal(dict, other, budget, depth);
            case Value.None _, Value.Bool _ -> a == b;
            case Value.Int _,
                    Value.Real _,
                    Value.View _,
                    Value.Callable _,
                    GeneratorValue _,
                    NamespaceValue _,
                    LoopValue _ ->
                    a == b;
        };
    }

    private static boolean equal(StrValue a, StrValue b, Budget budget) {
        if (a.text().length() != b.text().length()) {
            return false;
        }
        budget.text(a.text().length());
        return a.text().equals(b.text());
    }

    private static boolean equal(List<Value> a, List<Value> b, Budget budget, int depth) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i), budget, depth + 1)) {
                return false;
            }
        }
        return true;
    }

    private static boolean equal(DictValue a, DictValue b, Budget budget, int depth) {
        if (a.size() != b.size()) {
            return false;
        }
        for (DictValue.Entry entry : a.entries()) {
            Value other = b.get(entry.key());
            if (other == null || !equal(entry.value(), other, budget, depth + 1)) {
                return false;
            }
        }
        return true;
    }

    /** Python's order of two values, as a comparator's result. */
    static int order(Value a, Value b, Budget budget) {
        Integer order = tryOrder(a, b, budget, 0);
        if (order == null) {
            defined(a);
            defined(b);
            throw TemplateFailure.operation(
                    "'<' not supported between instances of '"
                            + a.typeName()
                            + "' and '"
                            + b.typeName()
                            + "'");
        }
        return order;
    }

    private static @Nullable Integer tryOrder(Value a, Value b, Budget budget, int depth) {
        if (depth > MAX_DEPTH) {
            throw TemplateFailure.limit(
                    "values to be compared nest deeper than " + MAX_DEPTH + " levels");
        }
        budget.spend(1);
        if (isNumber(a) && isNumber(b)) {
            return compareNumbers(a, b);
        }
        if (a instanceof StrValue left && b instanceof StrValue right) {
            budget.text(Math.min(left.text().length(), right.text().length()));
            return compareCodePoints(left.text(), right.text());
        }
        if ((a instanceof Value.ListValue && b instanceof Value.ListValue)
                || (a instanceof Value.Tuple && b instanceof Value.Tuple)) {
            List<Value> left = ((Value.Sequence) a).items();
            List<Value> right = ((Value.Sequence) b).items();
            for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
                if (!equal(left.get(i), right.get(i), budget, depth + 1)) {
                    return tryOrder(left.get(i), right.get(i), budget, depth + 1);
                }
            }
            return Integer.compare(left.size(), right.size());
        }
        return null;
    }

    private static int compareCodePoints(String a, String b) {
        int end = Math.min(a.length(), b.length());
        for (int i = 0; i < end; i++) {
            char left = a.charAt(i);
            char right = b.charAt(i);
            if (left != right) {
                // Surrogates stand for what is above all other characters.
                return Character.isSurrogate(left) == Character.isSurrogate(right)
                        ? Integer.signum(Character.compare(left, right))
                        : Character.isSurrogate(left) ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    static boolean isNan(Value value) {
        return value instanceof Value.Real real && Double.isNaN(real.value());
    }

    static boolean isNumber(Value value) {
        return value instanceof Value.Int
                || value instanceof Value.Bool
                || value instanceof Value.Real;
    }

    private static int compareNumbers(Value a, Value b) {
        if (a instanceof Value.Real || b instanceof Value.Real) {
            double left = real(a);
            double right = real(b);
            if (Double.isNaN(left) || Double.isNaN(right)) {
                // Sorting needs an order, even of these.
                return Double.compare(left, right);
            }
            if (Double.isInfinite(left) || Double.isInfinite(right)) {
                return left == right ? 0 : Double.compare(left, right);
            }
            return exact(a).compareTo(exact(b));
        }
        return integer(a).compareTo(integer(b));
    }

    private static BigDecimal exact(Value number) {
        return number instanceof Value.Real real
                ? new BigDecimal(real.value())
                : new BigDecimal(integer(number));
    }

    /** The integer that an int or a bool is. */
    static BigInteger integer(Value value) {
        return switch (value) {
            case Value.Int number -> number.value();
            case Value.Bool bool -> bool == Value.Bool.TRUE ? BigInteger.ONE : BigInteger.ZERO;
            default -> {
                defined(value);
                throw TemplateFailure.operation(
                        "'" + value.typeName() + "' object cannot be interpreted as an integer");
            }
        };
    }

    /** An integer that must fit: larger ones are clamped, as Python does for slices and counts. */
    static int clamped(Value value) {
        BigInteger integer = integer(value);
        if (integer.bitLength() > 31) {
            return integer.signum() < 0 ? -Integer.MAX_VALUE : Integer.MAX_VALUE;
        }
        return integer.intValue();
    }

    static double real(Value value) {
        return value instanceof Value.Real real ? real.value() : integer(value).doubleValue();
    }

    /** Fails with jinja2's message if the value is undefined. */
    static Value defined(Value value) {
        if (value instanceof Value.Undefined undefined) {
            throw TemplateFailure.operation(undefined.message());
        }
        return value;
    }

    /** Whether {@code item in container}. */
    static boolean contains(Value container, Value item, Budget budget) {
        return switch (container) {
            case StrValue text -> {
                if (!(item instanceof StrValue part)) {
                    defined(item);
                    throw TemplateFailure.operation(
                            "'in <string>' requires string as left operand, not "
                                    + item.typeName());
                }
                budget.text(text.text().length());
                yield text.text().contains(part.text());
            }
            case DictValue dict -> dict.get(item) != null;
            default -> {
                for (Value candidate : iterate(container, budget)) {
                    if (equal(candidate, item, budget)) {
                        yield true;
                    }
                }
                yield false;
            }
        };
    }

    /** The items that a walk over the value meets: keys of a dict, characters of a string. */
    static List<Value> iterate(Value value, Budget budget) {
        return switch (value) {
            case Value.Sequence sequence -> sequence.items();
            case DictValue dict -> {
                budget.items(dict.size());
                yield dict.keys();
            }
            case StrValue text -> characters(text, budget);
            case Value.Undefined _ -> List.of();
            case Value.View view -> view.items();
            case GeneratorValue generator -> generator.drain();
            case Value.None _,
                    Value.Bool _,
                    Value.Int _,
                    Value.Real _,
                    Value.Callable _,
                    NamespaceValue _,
                    LoopValue _ ->
                    throw TemplateFailure.operation(
                            "'" + value.typeName() + "' object is not iterable");
        };
    }

    private static List<Value> characters(StrValue text, Budget budget) {
        String string = text.text();
        budget.items(string.length());
        List<Value> characters = new ArrayList<>(string.length());
        int at = 0;
        while (at < string.length()) {
            int end = string.offsetByCodePoints(at, 1);
            characters.add(text.part(at, end).withMarkup(false));
            at = end;
        }
        return characters;
    }

    /** Python's {@code len}. */
    static int length(Value value) {
        return switch (value) {
            case StrValue text -> text.length();
            case Value.Sequence sequence -> sequence.items().size();
            case Value.View view -> view.items().size();
            case DictValue dict -> dict.size();
            case Value.Undefined _ -> 0;
            case LoopValue loop -> loop.length();
            case Value.None _,
                    Value.Bool _,
                    Value.Int _,
                    Value.Real _,
                    Value.Callable _,
                    GeneratorValue _,
                    NamespaceValue _ ->
                    throw TemplateFailure.operation(
                            "object of type '" + value.typeName() + "' has no len()");
        };
    }
}
