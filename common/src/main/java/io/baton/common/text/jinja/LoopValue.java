package io.baton.common.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop} of one {@code for}; it moves on with the loop. */
final class LoopValue implements Value {
    private final List<Value> items;
    private final int depth0;
    private int index0;
    private @Nullable List<Value> lastChanged;

    LoopValue(List<Value> items, int depth0) {
        this.items = items;
        this.depth0 = depth0;
    }

    void moveTo(int index) {
        index0 = index;
    }

    int length() {
        return items.size();
    }

    int depth0() {
        return depth0;
    }

    /** A member, or null for an unknown name. */
    @Nullable Value member(String name) {
        int length = items.size();
        return switch (name) {
            case "index" -> Int.of(index0 + 1L);
            case "index0" -> Int.of(index0);
            case "revindex" -> Int.of(length - (long) index0);
            case "revindex0" -> Int.of(length - (long) index0 - 1);
            case "first" -> Bool.of(index0 == 0);
            case "last" -> Bool.of(index0 == length - 1);
            case "length" -> Int.of(length);
            case "depth" -> Int.of(depth0 + 1L);
            case "depth0" -> Int.of(depth0);
            case "previtem" ->
                    index0 > 0
                            ? items.get(index0 - 1)
                            : Undefined.because(name, "there is no previous item");
            case "nextitem" ->
                    index0 + 1 < length
                            ? items.get(index0 + 1)
                            : Undefined.because(name, "there is no next item");
            case "cycle" -> new Callable(name, (evaluator, arguments) -> cycle(arguments));
            case "changed" -> new Callable(name, this::changed);
            default -> null;
        };
    }

    private Value cycle(Arguments arguments) {
        List<Value> choices = arguments.positional();
        if (choices.isEmpty()) {
            throw TemplateFailure.operation("no items for cycling given");
        }
        return choices.get(index0 % choices.size());
    }

    private Value changed(Evaluator evaluator, Arguments arguments) {
        List<Value> now = arguments.positional();
        boolean same =
                lastChanged != null
                        && Operators.equal(
                                new Tuple(lastChanged), new Tuple(now), evaluator.budget());
        lastChanged = now;
        return Bool.of(!same);
    }

    @Override
    public String typeName() {
        return "LoopContext";
    }
}
