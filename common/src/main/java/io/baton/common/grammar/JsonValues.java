package io.baton.common.grammar;

/** Any JSON value, and what all objects and arrays have in common. Made once for a program. */
final class JsonValues {
    private final Program.Builder builder;
    private final Terminals terminals;
    private int valueRule = -1;

    JsonValues(Program.Builder builder, Terminals terminals) {
        this.builder = builder;
        this.terminals = terminals;
    }

    /** Any value. */
    void value(int from, int to) {
        builder.call(from, valueRule(), to);
    }

    private int valueRule() {
        if (valueRule < 0) {
            valueRule = builder.state();
            int end = builder.end();
            Terminals.Shared shared = terminals.shared();
            builder.take(valueRule, shared.string(), end);
            builder.take(valueRule, shared.number(), end);
            builder.take(valueRule, shared.flag(), end);
            builder.take(valueRule, shared.nothing(), end);
            object(valueRule, end);
            list(valueRule, end);
        }
        return valueRule;
    }

    /** Any object. */
    void object(int from, int to) {
        Terminals.Shared shared = terminals.shared();
        int open = builder.take(from, shared.open());
        int key = builder.take(open, shared.gap());
        int value = member(key, shared.key());
        int more = builder.state();
        value(value, more);
        builder.take(more, shared.comma(), key);
        builder.take(open, shared.close(), to);
        builder.take(more, shared.close(), to);
    }

    /** Any array. */
    void list(int from, int to) {
        Terminals.Shared shared = terminals.shared();
        int open = builder.take(from, shared.openList());
        int item = builder.take(open, shared.gap());
        int more = builder.state();
        value(item, more);
        builder.take(more, shared.comma(), item);
        builder.take(open, shared.closeList(), to);
        builder.take(more, shared.closeList(), to);
    }

    /** A name and the colon; tells where the value begins. */
    int member(int from, Terminal name) {
        return builder.take(builder.take(from, name), terminals.shared().colon());
    }
}
