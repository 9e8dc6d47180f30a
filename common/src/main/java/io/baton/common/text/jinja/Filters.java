package io.baton.common.text.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters by name. */
final class Filters {
    private static final Map<String, Filter> ALL = new HashMap<>();

    static {
        TextFilters.register(ALL);
        SequenceFilters.register(ALL);
        SelectionFilters.register(ALL);
        ValueFilters.register(ALL);
    }

    private Filters() {}

    /** One filter. */
    @FunctionalInterface
    interface Filter {
        Value apply(Evaluator evaluator, Value input, Arguments arguments);
    }

    static boolean isKnown(String name) {
        return ALL.containsKey(name);
    }

    static @Nullable Filter find(String name) {
        return ALL.get(name);
    }
}
