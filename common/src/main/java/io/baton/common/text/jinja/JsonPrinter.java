package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code json.dumps} with the settings that templates use. JSON with any user text in it
 * is wholly untrusted.
 */
final class JsonPrinter {
    private static final int MAX_DEPTH = 100;

    /**
     * How to write.
     *
     * @param ensureAscii whether other characters are escaped
     * @param indent what each level is indented by; null for one line
     * @param itemSeparator between items
     * @param keySeparator between key and value
     * @param sortKeys whether entries are sorted by key
     */
    record Style(
            boolean ensureAscii,
            @Nullable String indent,
            String itemSeparator,
            String keySeparator,
            boolean sortKeys) {}

    private final Style style;
    private final Budget budget;
    private final StringBuilder text = new StringBuilder();
    private boolean untrusted;
    private int checked;

    private JsonPrinter(Style style, Budget budget) {
        this.style = style;
        this.budget = budget;
    }

    static StrValue print(Value value, Style style, Budget budget) {
        JsonPrinter printer = new JsonPrinter(style, budget);
        printer.print(value, 0);
        printer.check();
        return StrValue.of(printer.text.toString(), printer.untrusted);
    }

    private void print(Value value, int depth) {
        if (depth > MAX_DEPTH) {
            throw TemplateFailure.limit("JSON nests deeper than " + MAX_DEPTH + " levels");
        }
        budget.spend(1);
        switch (value) {
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _ ->
                    text.append(scalar(value));
            case StrValue string -> print(string);
            case Value.ListValue list -> print(list.items(), depth);
            case Value.Tuple tuple -> print(tuple.items(), depth);
            case DictValue dict -> print(dict, depth);
            case Value.Undefined _,
                    Value.Range _,
                    Value.View _,
                    Value.Callable _,
                    GeneratorValue _,
                    NamespaceValue _,
                    LoopValue _ ->
                    throw TemplateFailure.operation(
                            "Object of type " + value.typeName() + " is not JSON serializable");
        }
        check();
    }

    private void print(List<Value> items, int depth) {
        if (items.isEmpty()) {
            text.append("[]");
            return;
        }
        text.append('[');
        boolean first = true;
        for (Value item : items) {
            separate(first, depth + 1);
            print(item, depth + 1);
            first = false;
        }
        newLine(depth);
        text.append(']');
    }

    private void print(DictValue dict, int depth) {
        if (dict.size() == 0) {
            text.append("{}");
            return;
        }
        text.append('{');
        boolean first = true;
        for (DictValue.Entry entry : ordered(dict)) {
            separate(first, depth + 1);
            if (entry.key() instanceof StrValue key) {
                print(key);
            } else {
                text.append('"').append(scalar(entry.key())).append('"');
            }
            text.append(style.keySeparator());
            print(entry.value(), depth + 1);
            first = false;
        }
        newLine(depth);
        text.append('}');
    }

    private Iterable<DictValue.Entry> ordered(DictValue dict) {
        if (!style.sortKeys()) {
            return dict.entries();
        }
        List<DictValue.Entry> sorted = new ArrayList<>(dict.size());
        dict.entries().forEach(sorted::add);
        budget.items(sorted.size());
        sorted.sort((a, b) -> Operators.order(a.key(), b.key(), budget));
        return sorted;
    }

    private void separate(boolean first, int depth) {
        if (!first) {
            text.append(style.itemSeparator());
        }
        newLine(depth);
        check();
    }

    private void newLine(int depth) {
        String indent = style.indent();
        if (indent != null) {
            budget.text((long) indent.length() * depth);
            text.append('\n').append(indent.repeat(depth));
        }
    }

    private static String scalar(Value value) {
        return switch (value) {
            case Value.None _ -> "null";
            case Value.Bool bool -> bool == Value.Bool.TRUE ? "true" : "false";
            case Value.Int number -> number.value().toString();
            case Value.Real real -> {
                if (Double.isNaN(real.value())) {
                    yield "NaN";
                }
                if (Double.isInfinite(real.value())) {
                    yield real.value() > 0 ? "Infinity" : "-Infinity";
                }
                yield PyText.real(real.value());
            }
            default ->
                    throw TemplateFailure.operation(
                            "keys must be str, int, float, bool or None, not " + value.typeName());
        };
    }

    private void print(StrValue string) {
        String value = string.text();
        budget.text(value.length());
        untrusted |= !string.isTrusted();
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\f' -> text.append("\\f");
                case '\b' -> text.append("\\b");
                default -> {
                    if (c < 0x20 || (style.ensureAscii() && c > 0x7E)) {
                        text.append("\\u%04x".formatted((int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        text.append('"');
    }

    private void check() {
        if (text.length() > checked) {
            budget.appended(text.length(), text.length() - (long) checked);
            checked = text.length();
        }
    }
}
