package io.baton.common.text.jinja;

import java.util.List;
import java.util.Map;

/**
 * How values print: Python's {@code str} and {@code repr}. The text of a collection with any user
 * text in it is wholly untrusted.
 */
final class Printer {
    private static final int MAX_DEPTH = 100;

    private final Budget budget;
    private final StringBuilder text = new StringBuilder();
    private boolean untrusted;
    private int checked;

    private Printer(Budget budget) {
        this.budget = budget;
    }

    /** Python's {@code str(value)}; a string is itself. */
    static StrValue str(Value value, Budget budget) {
        return switch (value) {
            case StrValue text -> text;
            case Value.Undefined _ -> StrValue.EMPTY;
            case Value.Int number -> StrValue.trusted(number.value().toString());
            default -> repr(value, budget);
        };
    }

    /** Python's {@code repr(value)}. */
    static StrValue repr(Value value, Budget budget) {
        Printer printer = new Printer(budget);
        printer.print(value, 0);
        printer.check();
        return StrValue.of(printer.text.toString(), printer.untrusted);
    }

    private void print(Value value, int depth) {
        if (depth > MAX_DEPTH) {
            throw TemplateFailure.limit(
                    "a value to be printed nests deeper than " + MAX_DEPTH + " levels");
        }
        budget.spend(1);
        switch (value) {
            case Value.None _ -> text.append("None");
            case Value.Undefined _ -> text.append("Undefined");
            case Value.Bool bool -> text.append(bool == Value.Bool.TRUE ? "True" : "False");
            case Value.Int number -> text.append(number.value());
            case Value.Real real -> text.append(PyText.real(real.value()));
            case StrValue string -> print(string);
            case Value.ListValue list -> print(list.items(), "[", "]", depth);
            case Value.Tuple tuple ->
                    print(tuple.items(), "(", tuple.items().size() == 1 ? ",)" : ")", depth);
            case Value.Range range -> text.append(range.text());
            case Value.View view -> print(view.items(), view.typeName() + "([", "])", depth);
            case DictValue dict -> print(dict, depth);
            case NamespaceValue namespace -> print(namespace, depth);
            case Value.Callable callable ->
                    text.append("<function ").append(callable.name()).append('>');
            case GeneratorValue _ -> text.append("<generator object>");
            case LoopValue _ -> text.append("<LoopContext>");
        }
        check();
    }

    private void print(StrValue string) {
        budget.text(string.text().length());
        untrusted |= !string.isTrusted();
        if (string.markup()) {
            text.append("Markup(");
            PyText.quote(string.text(), text);
            text.append(')');
        } else {
            PyText.quote(string.text(), text);
        }
    }

    private void print(List<Value> items, String open, String close, int depth) {
        text.append(open);
        String separator = "";
        for (Value item : items) {
            text.append(separator);
            print(item, depth + 1);
            separator = ", ";
        }
        text.append(close);
    }

    private void print(DictValue dict, int depth) {
        text.append('{');
        String separator = "";
        for (DictValue.Entry entry : dict.entries()) {
            text.append(separator);
            print(entry.key(), depth + 1);
            text.append(": ");
            print(entry.value(), depth + 1);
            separator = ", ";
        }
        text.append('}');
    }

    private void print(NamespaceValue namespace, int depth) {
        // Names may come from a user's dict by namespace(**dict).
        untrusted = true;
        text.append("<Namespace {");
        String separator = "";
        for (Map.Entry<String, Value> member : namespace.members().entrySet()) {
            text.append(separator);
            PyText.quote(member.getKey(), text);
            text.append(": ");
            print(member.getValue(), depth + 1);
            separator = ", ";
        }
        text.append("}>");
    }

    private void check() {
        if (text.length() > checked) {
            budget.appended(text.length(), text.length() - (long) checked);
            checked = text.length();
        }
    }
}
