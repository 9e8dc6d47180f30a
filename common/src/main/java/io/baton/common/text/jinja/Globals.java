package io.baton.common.text.jinja;

import java.math.BigInteger;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template has. */
final class Globals {
    /** Longest range, as jinja2's sandbox has it. */
    private static final int MAX_RANGE = 100_000;

    private static final Map<String, Value> ALL =
            Map.of(
                    "range", new Value.Callable("range", Globals::range),
                    "dict", new Value.Callable("dict", Globals::dict),
                    "namespace", new Value.Callable("namespace", Globals::namespace),
                    "raise_exception", new Value.Callable("raise_exception", Globals::raise),
                    "strftime_now", new Value.Callable("strftime_now", Globals::now));

    private Globals() {}

    static @Nullable Value find(String name) {
        return ALL.get(name);
    }

    private static Value range(Evaluator evaluator, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("range", "start", "stop", "step");
        boolean single = bound.optional(1) == null;
        BigInteger start = single ? BigInteger.ZERO : Operators.integer(bound.required(0));
        BigInteger stop = Operators.integer(bound.required(single ? 0 : 1));
        BigInteger step = Operators.integer(bound.or(2, Value.Int.of(1)));
        if (step.signum() == 0) {
            throw TemplateFailure.operation("range() arg 3 must not be zero");
        }
        BigInteger distance = step.signum() > 0 ? stop.subtract(start) : start.subtract(stop);
        BigInteger stride = step.abs();
        BigInteger count =
                distance.signum() <= 0
                        ? BigInteger.ZERO
                        : distance.add(stride).subtract(BigInteger.ONE).divide(stride);
        if (count.compareTo(BigInteger.valueOf(MAX_RANGE)) > 0) {
            throw TemplateFailure.limit(
                    "Range too big. The sandbox blocks ranges larger than " + MAX_RANGE + ".");
        }
        evaluator.budget().items(count.intValue());
        List<Value> items = new ArrayList<>(count.intValue());
        BigInteger next = start;
        for (int i = 0; i < count.intValue(); i++) {
            items.add(new Value.Int(next));
            next = next.add(step);
        }
        String text = "range(" + start + ", " + stop;
        return new Value.Range(
                items, step.equals(BigInteger.ONE) ? text + ")" : text + ", " + step + ")");
    }

    private static Value dict(Evaluator evaluator, Arguments arguments) {
        DictValue dict = new DictValue();
        for (Value given : arguments.positional()) {
            merge(given, dict, evaluator);
        }
        arguments.named().forEach((name, value) -> dict.put(StrValue.untrusted(name), value));
        return dict;
    }

    private static void merge(Value given, DictValue into, Evaluator evaluator) {
        if (given instanceof DictValue other) {
            evaluator.budget().items(other.size());
            other.entries().forEach(entry -> into.put(entry.key(), entry.value()));
            return;
        }
        for (Value pair : Operators.iterate(given, evaluator.budget())) {
            List<Value> parts = Operators.iterate(pair, evaluator.budget());
            if (parts.size() != 2) {
                throw TemplateFailure.operation(
                        "dictionary update sequence element has length "
                                + parts.size()
                                + "; 2 is required");
            }
            into.put(parts.getFirst(), parts.getLast());
        }
    }

    private static Value namespace(Evaluator evaluator, Arguments arguments) {
        NamespaceValue namespace = new NamespaceValue();
        DictValue members = (DictValue) dict(evaluator, arguments);
        for (DictValue.Entry entry : members.entries()) {
            namespace.put(Printer.str(entry.key(), evaluator.budget()).text(), entry.value());
        }
        return namespace;
    }

    private static Value raise(Evaluator evaluator, Arguments arguments) {
        Value message = arguments.bind("raise_exception", "message").required(0);
        throw TemplateFailure.raised(Printer.str(message, evaluator.budget()).text());
    }

    private static Value now(Evaluator evaluator, Arguments arguments) {
        StrValue format = arguments.bind("strftime_now", "format").requiredText(0);
        String text = Strftime.format(format.text(), ZonedDateTime.now(evaluator.clock()));
        return StrValue.of(text, !format.isTrusted());
    }
}
