package io.baton.common.text.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Variables, with those of the enclosing scopes behind them. */
final class Scope {
    private final @Nullable Scope parent;
    private @Nullable Map<String, Value> variables;

    Scope(@Nullable Scope parent) {
        this.parent = parent;
    }

    @Nullable Value find(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            Map<String, Value> here = scope.variables;
            Value value = here == null ? null : here.get(name);
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    void set(String name, Value value) {
        Map<String, Value> here = variables;
        if (here == null) {
            here = new HashMap<>();
            variables = here;
        }
        here.put(name, value);
    }

    /** Forgets the variables of this scope: a loop's next round starts afresh. */
    void clear() {
        if (variables != null) {
            variables.clear();
        }
    }
}
