package io.baton.common.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Python's {@code + - * / // % **} and signs. */
final class Arithmetic {
    /** A binary operator, as the template spells it. */
    enum Operator {
        ADD("+"),
        SUBTRACT("-"),
        MULTIPLY("*"),
        DIVIDE("/"),
        FLOOR_DIVIDE("//"),
        MODULO("%"),
        POWER("**");

        private final String sign;

        Operator(String sign) {
            this.sign = sign;
        }

        String sign() {
            return sign;
        }
    }

    private Arithmetic() {}

    static Value apply(Operator operator, Value left, Value right, Budget budget) {
        Operators.defined(left);
        if (operator == Operator.MODULO && left instanceof StrValue format) {
            return PercentFormat.format(format, right, budget);
        }
        Operators.defined(right);
        if (Operators.isNumber(left) && Operators.isNumber(right)) {
            return left instanceof Value.Real || right instanceof Value.Real
                    ? reals(operator, Operators.real(left), Operators.real(right))
                    : integers(operator, Operators.integer(left), Operators.integer(right));
        }
        if (operator == Operator.ADD) {
            return add(left, right, budget);
        }
        if (operator == Operator.MULTIPLY && right instanceof Value.Sequence) {
            return repeat(right, left, budget);
        }
        if (operator == Operator.MULTIPLY && right instanceof StrValue) {
            return repeat(right, left, budget);
        }
        if (operator == Operator.MULTIPLY) {
            return repeat(left, right, budget);
        }
        throw unsupported(operator, left, right);
    }

    private static Value add(Value left, Value right, Budget budget) {
        if (left instanceof StrValue a && right instanceof StrValue b) {
            if (a.markup() || b.markup()) {
                return join(TextFilters.escape(a, budget), TextFilters.escape(b, budget), budget)
                        .withMarkup(true);
            }
            return join(a, b, budget);
        }
        if (left instanceof Value.ListValue a && right instanceof Value.ListValue b) {
            return new Value.ListValue(join(a.items(), b.items(), budget));
        }
        if (left instanceof Value.Tuple a && right instanceof Value.Tuple b) {
            return new Value.Tuple(join(a.items(), b.items(), budget));
        }
        if (left instanceof StrValue) {
            throw TemplateFailure.operation(
                    "can only concatenate str (not \"" + right.typeName() + "\") to str");
        }
        throw unsupported(Operator.ADD, left, right);
    }

    private static StrValue join(StrValue a, StrValue b, Budget budget) {
        return new TextBuilder(budget).append(a).append(b).toValue();
    }

    private static List<Value> join(List<Value> a, List<Value> b, Budget budget) {
        budget.items(a.size() + (long) b.size());
        List<Value> joined = new ArrayList<>(a.size() + b.size());
        joined.addAll(a);
        joined.addAll(b);
        return joined;
    }

    private static Value repeat(Value what, Value times, Budget budget) {
        if (!(times instanceof Value.Int || times instanceof Value.Bool)) {
            throw unsupported(Operator.MULTIPLY, what, times);
        }
        int count = Math.max(0, Operators.clamped(times));
        switch (what) {
            case StrValue text -> {
                budget.text((long) text.text().length() * count);
                TextBuilder out = new TextBuilder(budget);
                for (int i = 0; i < count && !text.text().isEmpty(); i++) {
                    out.append(text);
                }
                return out.toValue();
            }
            case Value.ListValue list -> {
                return new Value.ListValue(repeat(list.items(), count, budget));
            }
            case Value.Tuple tuple -> {
                return new Value.Tuple(repeat(tuple.items(), count, budget));
            }
            default -> throw unsupported(Operator.MULTIPLY, what, times);
        }
    }

    private static List<Value> repeat(List<Value> items, int count, Budget budget) {
        budget.items((long) items.size() * count);
        List<Value> repeated = new ArrayList<>(items.size() * count);
        for (int i = 0; i < count && !items.isEmpty(); i++) {
            repeated.addAll(items);
        }
        return repeated;
    }

    private static Value integers(Operator operator, BigInteger a, BigInteger b) {
        return switch (operator) {
            case ADD -> integer(a.add(b));
            case SUBTRACT -> integer(a.subtract(b));
            case MULTIPLY -> integer(a.multiply(b));
            case DIVIDE -> {
                notZero(b.signum() == 0, "division by zero");
                yield new Value.Real(a.doubleValue() / b.doubleValue());
            }
            case FLOOR_DIVIDE -> {
                notZero(b.signum() == 0, "integer division or modulo by zero");
                BigInteger[] parts = a.divideAndRemainder(b);
                boolean down = parts[1].signum() != 0 && parts[1].signum() != b.signum();
                yield integer(down ? parts[0].subtract(BigInteger.ONE) : parts[0]);
            }
            case MODULO -> {
                notZero(b.signum() == 0, "integer modulo by zero");
                BigInteger rest = a.remainder(b);
                yield integer(
                        rest.signum() != 0 && rest.signum() != b.signum() ? rest.add(b) : rest);
            }
            case POWER -> {
                if (b.signum() < 0) {
                    yield reals(operator, a.doubleValue(), b.doubleValue());
                }
                if (a.abs().bitLength() > 1
                        && (b.bitLength() > 30
                                || (long) a.abs().bitLength() * b.intValue()
                                        > Operators.MAX_INT_BITS + 64L)) {
                    throw tooLarge();
                }
                yield integer(
                        a.abs().bitLength() <= 1 && b.bitLength() > 30
                                ? a.pow(b.testBit(0) ? 1 : 2)
                                : a.pow(b.intValue()));
            }
        };
    }

    private static Value reals(Operator operator, double a, double b) {
        double result =
                switch (operator) {
                    case ADD -> a + b;
                    case SUBTRACT -> a - b;
                    case MULTIPLY -> a * b;
                    case DIVIDE -> {
                        notZero(b == 0, "float division by zero");
                        yield a / b;
                    }
                    case FLOOR_DIVIDE -> {
                        notZero(b == 0, "float floor division by zero");
                        yield Math.floor(a / b);
                    }
                    case MODULO -> {
                        notZero(b == 0, "float modulo");
                        double rest = a % b;
                        yield rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
                    }
                    case POWER -> Math.pow(a, b);
                };
        return new Value.Real(result);
    }

    private static void notZero(boolean zero, String message) {
        if (zero) {
            throw TemplateFailure.operation(message);
        }
    }

    private static Value integer(BigInteger value) {
        if (value.bitLength() > Operators.MAX_INT_BITS) {
            throw tooLarge();
        }
        return new Value.Int(value);
    }

    private static TemplateFailure tooLarge() {
        return TemplateFailure.limit(
                "an integer would have more than " + Operators.MAX_INT_BITS + " bits");
    }

    static Value negate(Value value) {
        return switch (Operators.defined(value)) {
            case Value.Real real -> new Value.Real(-real.value());
            case Value.Int _, Value.Bool _ -> new Value.Int(Operators.integer(value).negate());
            default -> throw badSign("-", value);
        };
    }

    static Value plus(Value value) {
        return switch (Operators.defined(value)) {
            case Value.Real real -> real;
            case Value.Int _, Value.Bool _ -> new Value.Int(Operators.integer(value));
            default -> throw badSign("+", value);
        };
    }

    private static TemplateFailure badSign(String sign, Value value) {
        return TemplateFailure.operation(
                "bad operand type for unary " + sign + ": '" + value.typeName() + "'");
    }

    private static TemplateFailure unsupported(Operator operator, Value left, Value right) {
        return TemplateFailure.operation(
                "unsupported operand type(s) for "
                        + operator.sign()
                        + ": '"
                        + left.typeName()
                        + "' and '"
                        + right.typeName()
                        + "'");
    }
}
