package io.baton.common.text.jinja;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A value given to a template, with the knowledge of whether a user wrote its strings. JSON-like
 * trees of null, Boolean, Number, String, List and Map with String keys can be given.
 */
public final class TemplateValue {
    private static final int MAX_DEPTH = 80;

    private final Value value;

    private TemplateValue(Value value) {
        this.value = value;
    }

    /**
     * A tree of the server's own: its strings may hold control tokens.
     *
     * @throws BatonException INVALID_REQUEST if it nests deeper than 80 levels or holds anything
     *     but JSON
     */
    public static TemplateValue trusted(@Nullable Object tree) {
        return new TemplateValue(value(tree, false, 0));
    }

    /** A tree of a user: its strings, names of members included, are plain text. */
    public static TemplateValue untrusted(@Nullable Object tree) {
        return new TemplateValue(value(tree, true, 0));
    }

    /** A list of values that each know whose they are. */
    public static TemplateValue list(List<TemplateValue> items) {
        List<Value> values = new ArrayList<>(items.size());
        items.forEach(item -> values.add(item.value));
        return new TemplateValue(new Value.ListValue(values));
    }

    /** An object whose members each know whose they are; their names are a user's. */
    public static TemplateValue object(Map<String, TemplateValue> members) {
        DictValue dict = new DictValue(members.size());
        members.forEach((name, member) -> dict.put(StrValue.untrusted(name), member.value));
        return new TemplateValue(dict);
    }

    Value value() {
        return value;
    }

    private static Value value(@Nullable Object tree, boolean untrusted, int depth) {
        if (depth > MAX_DEPTH) {
            throw new BatonException(
                    ErrorCode.INVALID_REQUEST,
                    "the input of the chat template nests deeper than " + MAX_DEPTH + " levels");
        }
        return switch (tree) {
            case null -> Value.None.NONE;
            case Boolean bool -> Value.Bool.of(bool);
            case Integer number -> Value.Int.of(number);
            case Long number -> Value.Int.of(number);
            case Short number -> Value.Int.of(number);
            case Byte number -> Value.Int.of(number);
            case BigInteger number -> integer(number);
            case Double number -> new Value.Real(number);
            case Float number -> new Value.Real(number);
            case BigDecimal number -> new Value.Real(number.doubleValue());
            case String text -> StrValue.of(text, untrusted);
            case List<?> list -> {
                List<Value> items = new ArrayList<>(list.size());
                for (Object item : list) {
                    items.add(value(item, untrusted, depth + 1));
                }
                yield new Value.ListValue(items);
            }
            case Map<?, ?> map -> {
                DictValue dict = new DictValue(map.size());
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    if (!(entry.getKey() instanceof String name)) {
                        throw notJson(entry.getKey());
                    }
                    dict.put(
                            StrValue.of(name, untrusted),
                            value(entry.getValue(), untrusted, depth + 1));
                }
                yield dict;
            }
            default -> throw notJson(tree);
        };
    }

    private static Value integer(BigInteger number) {
        if (number.bitLength() > Operators.MAX_INT_BITS) {
            throw new BatonException(
                    ErrorCode.INVALID_REQUEST,
                    "an integer of the chat template's input has more than "
                            + Operators.MAX_INT_BITS
                            + " bits");
        }
        return new Value.Int(number);
    }

    private static BatonException notJson(@Nullable Object tree) {
        return new BatonException(
                ErrorCode.INVALID_REQUEST,
                "the input of the chat template is not JSON: "
                        + (tree == null ? "a null name" : tree.getClass().getSimpleName()));
    }
}
