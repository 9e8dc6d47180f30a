package io.baton.common.text.jinja;

import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions of one render. */
final class Evaluator {
    private final Budget budget;
    private final Clock clock;
    private int at;

    Evaluator(Budget budget, Clock clock) {
        this.budget = budget;
        this.clock = clock;
    }

    Budget budget() {
        return budget;
    }

    Clock clock() {
        return clock;
    }

    /** Where in the source the last operation was: the place of a failure. */
    int at() {
        return at;
    }

    void at(int offset) {
        at = offset;
    }

    Value eval(Expr expr, Scope scope) {
        budget.enter();
        Value value =
                switch (expr) {
                    case Expr.Const literal -> literal.value();
                    case Expr.Name name -> name(name, scope);
                    case Expr.Attribute attribute -> {
                        Value target = eval(attribute.target(), scope);
                        at = attribute.at();
                        yield Members.attribute(target, attribute.name());
                    }
                    case Expr.Item item -> {
                        Value target = eval(item.target(), scope);
                        Value index = eval(item.index(), scope);
                        at = item.at();
                        yield Members.item(target, index, budget);
                    }
                    case Expr.Slice slice -> slice(slice, scope);
                    case Expr.Call call -> call(call, scope);
                    case Expr.Filtered filtered -> filtered(filtered, null, scope);
                    case Expr.Tested tested -> tested(tested, scope);
                    case Expr.Not not ->
                            Value.Bool.of(!Operators.truth(eval(not.operand(), scope)));
                    case Expr.Signed signed -> {
                        Value operand = eval(signed.operand(), scope);
                        at = signed.at();
                        yield signed.minus()
                                ? Arithmetic.negate(operand)
                                : Arithmetic.plus(operand);
                    }
                    case Expr.And and -> {
                        Value left = eval(and.left(), scope);
                        yield Operators.truth(left) ? eval(and.right(), scope) : left;
                    }
                    case Expr.Or or -> {
                        Value left = eval(or.left(), scope);
                        yield Operators.truth(left) ? left : eval(or.right(), scope);
                    }
                    case Expr.Binary binary -> {
                        Value left = eval(binary.left(), scope);
                        Value right = eval(binary.right(), scope);
                        at = binary.at();
                        yield Arithmetic.apply(binary.operator(), left, right, budget);
                    }
                    case Expr.Concat concat -> concat(concat, scope);
                    case Expr.Compare compare -> compare(compare, scope);
                    case Expr.Conditional conditional -> conditional(conditional, scope);
                    case Expr.ListLiteral list -> new Value.ListValue(all(list.items(), scope));
                    case Expr.TupleLiteral tuple -> new Value.Tuple(all(tuple.items(), scope));
                    case Expr.DictLiteral dict -> dict(dict, scope);
                };
        budget.leave();
        return value;
    }

    private Value name(Expr.Name name, Scope scope) {
        Value value = scope.find(name.name());
        if (value == null) {
            value = Globals.find(name.name());
        }
        return value == null ? Value.Undefined.name(name.name()) : value;
    }

    private Value slice(Expr.Slice slice, Scope scope) {
        Value target = eval(slice.target(), scope);
        Value start = evalOrNone(slice.start(), scope);
        Value stop = evalOrNone(slice.stop(), scope);
        Value step = evalOrNone(slice.step(), scope);
        at = slice.at();
        return Slices.slice(target, start, stop, step, budget);
    }

    private Value evalOrNone(@Nullable Expr expr, Scope scope) {
        return expr == null ? Value.None.NONE : eval(expr, scope);
    }

    private Value call(Expr.Call call, Scope scope) {
        if (call.callee() instanceof Expr.Attribute attribute) {
            Value self = eval(attribute.target(), scope);
            Members.Method method = Members.method(self, attribute.name());
            if (method != null) {
                Arguments arguments = arguments(call.args(), scope);
                at = call.at();
                return method.call(this, self, arguments);
            }
            at = attribute.at();
            Value callee = Members.attribute(self, attribute.name());
            return call(callee, arguments(call.args(), scope), call.at());
        }
        Value callee = eval(call.callee(), scope);
        return call(callee, arguments(call.args(), scope), call.at());
    }

    /** Calls a value. */
    Value call(Value callee, Arguments arguments, int callAt) {
        at = callAt;
        if (callee instanceof Value.Callable callable) {
            return callable.body().call(this, arguments);
        }
        Operators.defined(callee);
        throw TemplateFailure.operation("'" + callee.typeName() + "' object is not callable");
    }

    Arguments arguments(Expr.Args args, Scope scope) {
        if (args == Expr.Args.NONE) {
            return Arguments.NONE;
        }
        List<Value> positional = all(args.positional(), scope);
        if (args.star() != null) {
            positional = new ArrayList<>(positional);
            positional.addAll(Operators.iterate(eval(args.star(), scope), budget));
            budget.items(positional.size());
        }
        if (args.named().isEmpty() && args.starStar() == null) {
            return new Arguments(positional, Map.of());
        }
        Map<String, Value> named = new LinkedHashMap<>();
        for (Expr.Keyword keyword : args.named()) {
            named.put(keyword.name(), eval(keyword.value(), scope));
        }
        if (args.starStar() != null) {
            if (!(eval(args.starStar(), scope) instanceof DictValue dict)) {
                throw TemplateFailure.operation("argument after ** must be a mapping");
            }
            budget.items(dict.size());
            for (DictValue.Entry entry : dict.entries()) {
                named.put(Printer.str(entry.key(), budget).text(), entry.value());
            }
        }
        return new Arguments(positional, named);
    }

    /**
     * A filter, or a chain of them.
     *
     * @param body what the innermost filter without an input gets: the body of a block
     */
    Value filtered(Expr.Filtered filtered, @Nullable Value body, Scope scope) {
        Value input =
                switch (filtered.input()) {
                    case null -> body;
                    case Expr.Filtered inner when body != null -> filtered(inner, body, scope);
                    case Expr inner -> eval(inner, scope);
                };
        if (input == null) {
            throw TemplateFailure.operation("a filter without an input");
        }
        Arguments arguments = arguments(filtered.args(), scope);
        at = filtered.at();
        return filter(filtered.name(), input, arguments);
    }

    /** Applies a filter by name. */
    Value filter(String name, Value input, Arguments arguments) {
        Filters.Filter filter = Filters.find(name);
        if (filter == null) {
            throw TemplateFailure.operation("No filter named '" + name + "'.");
        }
        return filter.apply(this, input, arguments);
    }

    private Value tested(Expr.Tested tested, Scope scope) {
        Value input = eval(tested.input(), scope);
        Arguments arguments = arguments(tested.args(), scope);
        at = tested.at();
        return Value.Bool.of(test(tested.name(), input, arguments));
    }

    /** Applies a test by name. */
    boolean test(String name, Value input, Arguments arguments) {
        Tests.Test test = Tests.find(name);
        if (test == null) {
            throw TemplateFailure.operation("No test named '" + name + "'.");
        }
        return test.holds(this, input, arguments);
    }

    private Value concat(Expr.Concat concat, Scope scope) {
        TextBuilder text = new TextBuilder(budget);
        for (Expr part : concat.parts()) {
            Value value = eval(part, scope);
            at = concat.at();
            text.append(Printer.str(value, budget));
        }
        return text.toValue();
    }

    private Value compare(Expr.Compare compare, Scope scope) {
        Value left = eval(compare.first(), scope);
        for (Expr.Link link : compare.links()) {
            Value right = eval(link.right(), scope);
            at = compare.at();
            if (!holds(link.relation(), left, right)) {
                return Value.Bool.FALSE;
            }
            left = right;
        }
        return Value.Bool.TRUE;
    }

    /** Whether a comparison holds. */
    boolean holds(Expr.Relation relation, Value left, Value right) {
        boolean ordering =
                switch (relation) {
                    case LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL -> true;
                    case EQUAL, NOT_EQUAL, IN, NOT_IN -> false;
                };
        if (ordering && (Operators.isNan(left) || Operators.isNan(right))) {
            return false;
        }
        return switch (relation) {
            case EQUAL -> Operators.equal(left, right, budget);
            case NOT_EQUAL -> !Operators.equal(left, right, budget);
            case LESS -> Operators.order(left, right, budget) < 0;
            case LESS_OR_EQUAL -> Operators.order(left, right, budget) <= 0;
            case GREATER -> Operators.order(left, right, budget) > 0;
            case GREATER_OR_EQUAL -> Operators.order(left, right, budget) >= 0;
            case IN -> Operators.contains(right, left, budget);
            case NOT_IN -> !Operators.contains(right, left, budget);
        };
    }

    private Value conditional(Expr.Conditional conditional, Scope scope) {
        if (Operators.truth(eval(conditional.condition(), scope))) {
            return eval(conditional.then(), scope);
        }
        if (conditional.otherwise() == null) {
            return Value.Undefined.because(
                    "if",
                    "the inline if-expression evaluated to false and no else section was"
                            + " defined.");
        }
        return eval(conditional.otherwise(), scope);
    }

    private List<Value> all(List<Expr> items, Scope scope) {
        if (items.isEmpty()) {
            return List.of();
        }
        List<Value> values = new ArrayList<>(items.size());
        for (Expr item : items) {
            values.add(eval(item, scope));
        }
        return values;
    }

    private Value dict(Expr.DictLiteral literal, Scope scope) {
        DictValue dict = new DictValue(literal.pairs().size());
        for (Expr.Pair pair : literal.pairs()) {
            Value key = eval(pair.key(), scope);
            at = literal.at();
            dict.put(key, eval(pair.value(), scope));
        }
        return dict;
    }
}
