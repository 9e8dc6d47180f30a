package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Filters that take collections as wholes: length, order, joining, sums. */
final class SequenceFilters {
    private SequenceFilters() {}

    static void register(Map<String, Filters.Filter> filters) {
        filters.put("length", SequenceFilters::length);
        filters.put("count", SequenceFilters::length);
        filters.put("list", SequenceFilters::list);
        filters.put("items", SequenceFilters::items);
        filters.put("first", SequenceFilters::first);
        filters.put("last", SequenceFilters::last);
        filters.put("join", SequenceFilters::join);
        filters.put("reverse", SequenceFilters::reverse);
        filters.put("sort", SequenceFilters::sort);
        filters.put("dictsort", SequenceFilters::dictSort);
        filters.put("unique", SequenceFilters::unique);
        filters.put(
                "min", (evaluator, input, arguments) -> extreme(evaluator, input, arguments, -1));
        filters.put(
                "max", (evaluator, input, arguments) -> extreme(evaluator, input, arguments, 1));
        filters.put("sum", SequenceFilters::sum);
        filters.put("batch", SequenceFilters::batch);
    }

    private static Value length(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("length");
        if (input instanceof StrValue text) {
            evaluator.budget().text(text.text().length());
        }
        return Value.Int.of(Operators.length(input));
    }

    private static Value list(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("list");
        List<Value> items = Operators.iterate(input, evaluator.budget());
        evaluator.budget().items(items.size());
        return new Value.ListValue(List.copyOf(items));
    }

    private static Value items(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("items");
        return switch (input) {
            case DictValue dict -> {
                evaluator.budget().items(dict.size());
                yield new GeneratorValue(dict.items());
            }
            case Value.Undefined _ -> new GeneratorValue(List.of());
            default -> throw TemplateFailure.operation("Can only get item pairs from a mapping.");
        };
    }

    private static Value first(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("first");
        String reason = "No first item, sequence was empty.";
        if (input instanceof GeneratorValue generator) {
            return generator.take(reason);
        }
        List<Value> items = Operators.iterate(input, evaluator.budget());
        return items.isEmpty() ? Value.Undefined.because("first", reason) : items.getFirst();
    }

    private static Value last(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("last");
        if (input instanceof GeneratorValue) {
            throw TemplateFailure.operation("'generator' object is not reversible");
        }
        List<Value> items = Operators.iterate(input, evaluator.budget());
        return items.isEmpty()
                ? Value.Undefined.because("last", "No last item, sequence was empty.")
                : items.getLast();
    }

    private static Value join(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("join", "d", "attribute");
        Budget budget = evaluator.budget();
        StrValue separator = Printer.str(bound.or(0, StrValue.EMPTY), budget);
        Key key = Key.of(bound.or(1, Value.None.NONE), true);
        List<Value> items = Operators.iterate(input, budget);
        budget.items(items.size());
        TextBuilder out = new TextBuilder(budget);
        for (int i = 0; i < items.size(); i++) {
            if (i > 0) {
                out.append(separator);
            }
            out.append(Printer.str(key.member(items.get(i), budget), budget));
        }
        return out.toValue();
    }

    private static Value reverse(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("reverse");
        if (input instanceof StrValue) {
            return Slices.slice(
                    input, Value.None.NONE, Value.None.NONE, Value.Int.of(-1), evaluator.budget());
        }
        List<Value> items = new ArrayList<>(Operators.iterate(input, evaluator.budget()));
        evaluator.budget().items(items.size());
        Collections.reverse(items);
        return new GeneratorValue(items);
    }

    private static Value sort(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
        Budget budget = evaluator.budget();
        Key key = Key.of(bound.or(2, Value.None.NONE), bound.flag(1, false));
        List<Value> items = new ArrayList<>(Operators.iterate(input, budget));
        budget.items(items.size());
        order(items, bound.flag(0, false), budget, key);
        return new Value.ListValue(items);
    }

    /** Stable in both directions, as Python's sort is. */
    private static void order(List<Value> items, boolean descending, Budget budget, Key key) {
        Comparator<Value> ascending =
                (a, b) -> compare(key.of(a, budget), key.of(b, budget), budget);
        items.sort(descending ? (a, b) -> ascending.compare(b, a) : ascending);
    }

    /** Equal values need no order, Undefined and None too. */
    private static int compare(Value a, Value b, Budget budget) {
        return Operators.equal(a, b, budget) ? 0 : Operators.order(a, b, budget);
    }

    private static Value dictSort(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
        if (!(Operators.defined(input) instanceof DictValue dict)) {
            throw TemplateFailure.operation(
                    "'" + input.typeName() + "' object has no attribute 'items'");
        }
        String by = Printer.str(bound.or(1, StrValue.trusted("key")), evaluator.budget()).text();
        if (!by.equals("key") && !by.equals("value")) {
            throw TemplateFailure.operation("You can only sort by either \"key\" or \"value\"");
        }
        Key key = Key.of(Value.Int.of(by.equals("key") ? 0 : 1), bound.flag(0, false));
        List<Value> items = dict.items();
        evaluator.budget().items(items.size());
        order(items, bound.flag(2, false), evaluator.budget(), key);
        return new Value.ListValue(items);
    }

    private static Value unique(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("unique", "case_sensitive", "attribute");
        Key key = Key.of(bound.or(1, Value.None.NONE), bound.flag(0, false));
        DictValue seen = new DictValue();
        List<Value> kept = new ArrayList<>();
        for (Value item : Operators.iterate(input, evaluator.budget())) {
            evaluator.budget().spend(1);
            Value id = key.of(item, evaluator.budget());
            if (seen.get(id) == null) {
                seen.put(id, item);
                kept.add(item);
            }
        }
        return new GeneratorValue(kept);
    }

    private static Value extreme(
            Evaluator evaluator, Value input, Arguments arguments, int direction) {
        Arguments.Bound bound = arguments.bind("min", "case_sensitive", "attribute");
        Key key = Key.of(bound.or(1, Value.None.NONE), bound.flag(0, false));
        Budget budget = evaluator.budget();
        Value best = null;
        for (Value item : Operators.iterate(input, budget)) {
            if (best == null
                    || Operators.order(key.of(item, budget), key.of(best, budget), budget)
                                    * direction
                            > 0) {
                best = item;
            }
        }
        return best == null
                ? Value.Undefined.because("min", "No aggregated item, sequence was empty.")
                : best;
    }

    private static Value sum(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("sum", "attribute", "start");
        Key key = Key.of(bound.or(0, Value.None.NONE), true);
        Value sum = bound.or(1, Value.Int.of(0));
        for (Value item : Operators.iterate(input, evaluator.budget())) {
            evaluator.budget().spend(1);
            sum =
                    Arithmetic.apply(
                            Arithmetic.Operator.ADD,
                            sum,
                            key.member(item, evaluator.budget()),
                            evaluator.budget());
        }
        return sum;
    }

    private static Value batch(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("batch", "linecount", "fill_with");
        int size = Operators.clamped(bound.required(0));
        if (size < 1) {
            throw TemplateFailure.operation("batch needs a size of at least 1");
        }
        Value fill = bound.or(1, Value.None.NONE);
        List<Value> items = Operators.iterate(input, evaluator.budget());
        evaluator.budget().items(items.size());
        List<Value> batches = new ArrayList<>();
        for (int from = 0; from < items.size(); from += size) {
            int to = (int) Math.min(items.size(), (long) from + size);
            List<Value> one = new ArrayList<>(items.subList(from, to));
            if (fill != Value.None.NONE) {
                evaluator.budget().items(size);
                while (one.size() < size) {
                    one.add(fill);
                }
            }
            batches.add(new Value.ListValue(one));
            if (to == items.size()) {
                break;
            }
        }
        return new GeneratorValue(batches);
    }

    /**
     * What items are compared by: a member (path of names and indices), and whether case counts.
     */
    record Key(List<Value> path, boolean caseSensitive) {
        static Key of(Value attribute, boolean caseSensitive) {
            List<Value> path = new ArrayList<>();
            switch (attribute) {
                case Value.None _ -> {}
                case StrValue text -> {
                    for (String part : text.text().split("\\.", -1)) {
                        path.add(index(part));
                    }
                }
                default -> path.add(attribute);
            }
            return new Key(path, caseSensitive);
        }

        private static Value index(String part) {
            boolean digits =
                    !part.isEmpty()
                            && part.length() < 10
                            && part.chars().allMatch(c -> c >= '0' && c <= '9');
            return digits ? Value.Int.of(Long.parseLong(part)) : StrValue.trusted(part);
        }

        /** The member of an item. */
        Value member(Value item, Budget budget) {
            Value value = item;
            for (Value step : path) {
                value = Members.item(value, step, budget);
            }
            return value;
        }

        /** What the item is compared by. */
        Value of(Value item, Budget budget) {
            Value value = member(item, budget);
            if (caseSensitive || !(value instanceof StrValue text)) {
                return value;
            }
            budget.text(text.text().length());
            return TextFilters.lower(text);
        }
    }
}
