package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Filters that pick or change the items of a collection one by one. */
final class SelectionFilters {
    private SelectionFilters() {}

    static void register(Map<String, Filters.Filter> filters) {
        filters.put("map", SelectionFilters::map);
        filters.put(
                "select", (evaluator, input, arguments) -> pick(evaluator, input, arguments, true));
        filters.put(
                "reject",
                (evaluator, input, arguments) -> pick(evaluator, input, arguments, false));
        filters.put(
                "selectattr",
                (evaluator, input, arguments) -> pickBy(evaluator, input, arguments, true));
        filters.put(
                "rejectattr",
                (evaluator, input, arguments) -> pickBy(evaluator, input, arguments, false));
    }

    private static Value map(Evaluator evaluator, Value input, Arguments arguments) {
        List<Value> items = items(evaluator, input);
        List<Value> mapped = new ArrayList<>(items.size());
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            Arguments.Bound bound = arguments.bind("map", "attribute", "default");
            SequenceFilters.Key key = SequenceFilters.Key.of(bound.required(0), true);
            for (Value item : items) {
                evaluator.budget().spend(1);
                Value member = key.member(item, evaluator.budget());
                mapped.add(member instanceof Value.Undefined ? bound.or(1, member) : member);
            }
            return new GeneratorValue(mapped);
        }
        String name = name(arguments, "map requires a filter argument");
        Arguments rest = arguments.skip(1);
        for (Value item : items) {
            evaluator.budget().spend(1);
            mapped.add(evaluator.filter(name, item, rest));
        }
        return new GeneratorValue(mapped);
    }

    /** Anything false is empty here, None too. */
    private static List<Value> items(Evaluator evaluator, Value input) {
        return Operators.truth(input) ? Operators.iterate(input, evaluator.budget()) : List.of();
    }

    private static String name(Arguments arguments, String otherwise) {
        if (arguments.positional().isEmpty()
                || !(arguments.positional().getFirst() instanceof StrValue name)) {
            throw TemplateFailure.operation(otherwise);
        }
        return name.text();
    }

    private static Value pick(
            Evaluator evaluator, Value input, Arguments arguments, boolean wanted) {
        return picked(
                evaluator, input, SequenceFilters.Key.of(Value.None.NONE, true), arguments, wanted);
    }

    private static Value pickBy(
            Evaluator evaluator, Value input, Arguments arguments, boolean wanted) {
        if (arguments.positional().isEmpty()) {
            throw TemplateFailure.operation("Missing parameter for attribute name");
        }
        SequenceFilters.Key key = SequenceFilters.Key.of(arguments.positional().getFirst(), true);
        return picked(evaluator, input, key, arguments.skip(1), wanted);
    }

    private static Value picked(
            Evaluator evaluator,
            Value input,
            SequenceFilters.Key key,
            Arguments arguments,
            boolean wanted) {
        boolean byTruth = arguments.positional().isEmpty();
        String test = byTruth ? "" : name(arguments, "the name of a test must be a string");
        Arguments rest = byTruth ? Arguments.NONE : arguments.skip(1);
        List<Value> kept = new ArrayList<>();
        for (Value item : items(evaluator, input)) {
            evaluator.budget().spend(1);
            Value member = key.member(item, evaluator.budget());
            boolean holds = byTruth ? Operators.truth(member) : evaluator.test(test, member, rest);
            if (holds == wanted) {
                kept.add(item);
            }
        }
        return new GeneratorValue(kept);
    }
}
