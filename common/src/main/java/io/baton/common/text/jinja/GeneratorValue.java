package io.baton.common.text.jinja;

import java.util.List;

/**
 * What {@code map}, {@code select} and the like return: true whatever it holds, without a length,
 * and walked once only. Its items are computed at once.
 */
final class GeneratorValue implements Value {
    private final List<Value> items;
    private int next;

    GeneratorValue(List<Value> items) {
        this.items = items;
    }

    /** The items not yet taken; takes them. */
    List<Value> drain() {
        List<Value> rest = items.subList(next, items.size());
        next = items.size();
        return rest;
    }

    /** The next item only, or an Undefined. */
    Value take(String reason) {
        return next < items.size() ? items.get(next++) : Undefined.because("first", reason);
    }

    @Override
    public String typeName() {
        return "generator";
    }
}
