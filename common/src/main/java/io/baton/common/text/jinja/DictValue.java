package io.baton.common.text.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's dict: keeps the order of insertion; {@code 1}, {@code 1.0} and {@code true} are one key.
 */
final class DictValue implements Value {
    /** One entry; the key keeps its own text and provenance. */
    record Entry(Value key, Value value) {}

    private static final int MAX_KEY_PARTS = 64;

    private final Map<Object, Entry> entries;

    DictValue() {
        this(8);
    }

    DictValue(int expected) {
        entries = LinkedHashMap.newLinkedHashMap(expected);
    }

    /** For builders only: a dict is not changed once a template can see it. */
    void put(Value key, Value value) {
        Object hashed = hashed(key);
        Entry old = entries.get(hashed);
        entries.put(hashed, new Entry(old == null ? key : old.key(), value));
    }

    @Nullable Value get(Value key) {
        Entry entry = entries.get(hashed(key));
        return entry == null ? null : entry.value();
    }

    @Nullable Value get(String key) {
        Entry entry = entries.get(key);
        return entry == null ? null : entry.value();
    }

    int size() {
        return entries.size();
    }

    Iterable<Entry> entries() {
        return entries.values();
    }

    List<Value> keys() {
        List<Value> keys = new ArrayList<>(entries.size());
        entries.values().forEach(entry -> keys.add(entry.key()));
        return keys;
    }

    List<Value> values() {
        List<Value> values = new ArrayList<>(entries.size());
        entries.values().forEach(entry -> values.add(entry.value()));
        return values;
    }

    /** The entries as tuples of key and value. */
    List<Value> items() {
        List<Value> items = new ArrayList<>(entries.size());
        entries.values().forEach(entry -> items.add(Tuple.of(entry.key(), entry.value())));
        return items;
    }

    /** An object whose equality is that of Python's keys. */
    private static Object hashed(Value key) {
        return key instanceof StrValue text ? text.text() : hashed(key, new int[1]);
    }

    private static Object hashed(Value key, int[] parts) {
        if (++parts[0] > MAX_KEY_PARTS) {
            throw TemplateFailure.limit("a key of more than " + MAX_KEY_PARTS + " parts");
        }
        return switch (key) {
            case StrValue text -> text.text();
            case Int number -> number.value();
            case Bool bool -> Operators.integer(bool);
            case Real real ->
                    Double.isFinite(real.value()) && real.value() == Math.rint(real.value())
                            ? new BigDecimal(real.value()).toBigInteger()
                            : (Object) real.value();
            case Tuple tuple -> {
                List<Object> all = new ArrayList<>();
                for (Value item : tuple.items()) {
                    all.add(hashed(item, parts));
                }
                yield all;
            }
            case None none -> none;
            case Undefined _ -> Undefined.class;
            case ListValue _, DictValue _, View _ ->
                    throw TemplateFailure.operation("unhashable type: '" + key.typeName() + "'");
            case Range range -> List.of(Range.class, range.text());
            case Callable callable -> callable;
            case GeneratorValue generator -> generator;
            case NamespaceValue namespace -> namespace;
            case LoopValue loop -> loop;
        };
    }

    @Override
    public String typeName() {
        return "dict";
    }
}
