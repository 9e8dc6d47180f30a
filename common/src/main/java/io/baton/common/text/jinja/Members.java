package io.baton.common.text.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Attributes, items and methods of values, with jinja2's order: {@code a.b} looks for a method
 * first, {@code a['b']} for an item first. Nothing is found by reflection; what is not listed here
 * does not exist.
 */
final class Members {
    /** What Python's sandbox keeps templates from: methods that change their object. */
    private static final Set<String> CHANGING =
            Set.of(
                    "append",
                    "clear",
                    "extend",
                    "insert",
                    "pop",
                    "popitem",
                    "remove",
                    "reverse",
                    "setdefault",
                    "sort",
                    "update");

    private static final Map<String, Method> DICT = new HashMap<>();
    private static final Map<String, Method> SEQUENCE = new HashMap<>();

    static {
        DICT.put("get", (evaluator, self, arguments) -> get((DictValue) self, arguments));
        DICT.put("keys", (evaluator, self, arguments) -> keys(evaluator, (DictValue) self));
        DICT.put("values", (evaluator, self, arguments) -> values(evaluator, (DictValue) self));
        DICT.put("items", (evaluator, self, arguments) -> items(evaluator, (DictValue) self));
        DICT.put("copy", (evaluator, self, arguments) -> self);
        SEQUENCE.put("count", Members::count);
        SEQUENCE.put("index", Members::index);
        SEQUENCE.put("copy", (evaluator, self, arguments) -> self);
    }

    private Members() {}

    /** A method of a value. */
    @FunctionalInterface
    interface Method {
        Value call(Evaluator evaluator, Value self, Arguments arguments);
    }

    /** The method of that name, or null. */
    static @Nullable Method method(Value self, String name) {
        return switch (self) {
            case StrValue _ -> StringMethods.find(name);
            case DictValue _ -> DICT.get(name);
            case Value.Sequence _ -> SEQUENCE.get(name);
            default -> null;
        };
    }

    /** {@code target.name}. */
    static Value attribute(Value target, String name) {
        Value own = ownAttribute(target, name);
        if (own != null) {
            return own;
        }
        if (target instanceof DictValue dict) {
            Value value = dict.get(name);
            if (value != null) {
                return value;
            }
        }
        return missing(target, name);
    }

    /** {@code target[index]}. */
    static Value item(Value target, Value index, Budget budget) {
        if (target instanceof StrValue text) {
            budget.text(text.text().length());
        }
        Value item = ownItem(target, index);
        if (item != null) {
            return item;
        }
        if (index instanceof StrValue name) {
            Value attribute = ownAttribute(target, name.text());
            return attribute == null ? missing(target, name.text()) : attribute;
        }
        String what = index instanceof Value.Int number ? number.value().toString() : "?";
        return missing(target, what);
    }

    private static Value missing(Value target, String name) {
        if (target instanceof Value.Undefined undefined) {
            throw TemplateFailure.operation(undefined.message());
        }
        return new Value.Undefined(target, name, null);
    }

    private static @Nullable Value ownAttribute(Value target, String name) {
        Method method = method(target, name);
        if (method != null) {
            return new Value.Callable(
                    name, (evaluator, arguments) -> method.call(evaluator, target, arguments));
        }
        boolean changeable = target instanceof DictValue || target instanceof Value.ListValue;
        if (changeable && CHANGING.contains(name)) {
            return Value.Undefined.because(
                    name,
                    "access to attribute '%s' of '%s' object is unsafe."
                            .formatted(name, target.typeName()));
        }
        return switch (target) {
            case NamespaceValue namespace -> namespace.get(name);
            case LoopValue loop -> loop.member(name);
            default -> null;
        };
    }

    private static @Nullable Value ownItem(Value target, Value index) {
        return switch (target) {
            case DictValue dict ->
                    index instanceof Value.ListValue
                                    || index instanceof DictValue
                                    || index instanceof Value.View
                            ? null
                            : dict.get(index);
            case Value.Sequence sequence -> at(sequence.items(), index);
            case StrValue text -> at(text, index);
            default -> null;
        };
    }

    private static @Nullable Value at(List<Value> items, Value index) {
        int position = position(index, items.size());
        return position < 0 ? null : items.get(position);
    }

    private static @Nullable Value at(StrValue text, Value index) {
        int position = position(index, text.length());
        if (position < 0) {
            return null;
        }
        int from = text.text().offsetByCodePoints(0, position);
        return text.part(from, text.text().offsetByCodePoints(from, 1));
    }

    /** The index from the start, or -1 if there is no such item. */
    private static int position(Value index, int length) {
        if (!(index instanceof Value.Int || index instanceof Value.Bool)) {
            return -1;
        }
        long position = Operators.clamped(index);
        if (position < 0) {
            position += length;
        }
        return position < 0 || position >= length ? -1 : (int) position;
    }

    private static Value get(DictValue dict, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("get", "key", "default");
        Value value = dict.get(bound.required(0));
        return value == null ? bound.or(1, Value.None.NONE) : value;
    }

    private static Value keys(Evaluator evaluator, DictValue dict) {
        evaluator.budget().items(dict.size());
        return new Value.View("dict_keys", dict.keys());
    }

    private static Value values(Evaluator evaluator, DictValue dict) {
        evaluator.budget().items(dict.size());
        return new Value.View("dict_values", dict.values());
    }

    private static Value items(Evaluator evaluator, DictValue dict) {
        evaluator.budget().items(dict.size());
        return new Value.View("dict_items", dict.items());
    }

    private static Value count(Evaluator evaluator, Value self, Arguments arguments) {
        Value wanted = arguments.bind("count", "value").required(0);
        int count = 0;
        for (Value item : ((Value.Sequence) self).items()) {
            count += Operators.equal(item, wanted, evaluator.budget()) ? 1 : 0;
        }
        return Value.Int.of(count);
    }

    private static Value index(Evaluator evaluator, Value self, Arguments arguments) {
        Value wanted = arguments.bind("index", "value").required(0);
        List<Value> items = ((Value.Sequence) self).items();
        for (int i = 0; i < items.size(); i++) {
            if (Operators.equal(items.get(i), wanted, evaluator.budget())) {
                return Value.Int.of(i);
            }
        }
        throw TemplateFailure.operation("the value is not in the list");
    }
}
