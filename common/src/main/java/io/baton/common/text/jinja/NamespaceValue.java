package io.baton.common.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code namespace(...)} returns: the one value that a template can change. */
final class NamespaceValue implements Value {
    private final Map<String, Value> members = new LinkedHashMap<>();

    @Nullable Value get(String name) {
        return members.get(name);
    }

    void put(String name, Value value) {
        members.put(name, value);
    }

    Map<String, Value> members() {
        return members;
    }

    @Override
    public String typeName() {
        return "Namespace";
    }
}
