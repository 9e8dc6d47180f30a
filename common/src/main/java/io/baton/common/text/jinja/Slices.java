package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's {@code [start:stop:step]}. */
final class Slices {
    private Slices() {}

    static Value slice(Value target, Value start, Value stop, Value step, Budget budget) {
        return switch (target) {
            case StrValue text -> {
                Span span = Span.of(text.length(), start, stop, step);
                yield slice(text, span, budget);
            }
            case Value.ListValue list ->
                    new Value.ListValue(slice(list.items(), start, stop, step, budget));
            case Value.Tuple tuple ->
                    new Value.Tuple(slice(tuple.items(), start, stop, step, budget));
            case Value.Range range ->
                    new Value.ListValue(slice(range.items(), start, stop, step, budget));
            default -> {
                Operators.defined(target);
                throw TemplateFailure.operation(
                        target instanceof DictValue
                                ? "unhashable type: 'slice'"
                                : "'" + target.typeName() + "' object is not subscriptable");
            }
        };
    }

    private static List<Value> slice(
            List<Value> items, Value start, Value stop, Value step, Budget budget) {
        Span span = Span.of(items.size(), start, stop, step);
        int count = span.count();
        budget.items(count);
        if (span.step() == 1) {
            return new ArrayList<>(items.subList(span.start(), span.start() + count));
        }
        List<Value> picked = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            picked.add(items.get(span.start() + i * span.step()));
        }
        return picked;
    }

    private static StrValue slice(StrValue text, Span span, Budget budget) {
        String string = text.text();
        int count = span.count();
        budget.text(string.length());
        if (count == 0) {
            return StrValue.EMPTY;
        }
        boolean plain = string.length() == text.length();
        if (span.step() == 1) {
            int from = string.offsetByCodePoints(0, span.start());
            return text.part(from, string.offsetByCodePoints(from, count));
        }
        int[] offsets = plain ? new int[0] : offsets(string);
        TextBuilder out = new TextBuilder(budget);
        budget.items(count);
        for (int i = 0; i < count; i++) {
            int index = span.start() + i * span.step();
            int from = plain ? index : offsets[index];
            out.append(text, from, plain ? index + 1 : offsets[index + 1]);
        }
        return out.toValue();
    }

    private static int[] offsets(String string) {
        int[] offsets = new int[string.codePointCount(0, string.length()) + 1];
        int at = 0;
        for (int i = 0; i < offsets.length - 1; i++) {
            offsets[i] = at;
            at = string.offsetByCodePoints(at, 1);
        }
        offsets[offsets.length - 1] = at;
        return offsets;
    }

    /** A slice of something with a known length. */
    private record Span(int start, int step, int count) {
        static Span of(int length, Value start, Value stop, Value step) {
            int by = bound(step, 1);
            if (by == 0) {
                throw TemplateFailure.operation("slice step cannot be zero");
            }
            int lowest = by > 0 ? 0 : -1;
            int highest = by > 0 ? length : length - 1;
            int from = clamp(start, by > 0 ? lowest : highest, length, lowest, highest);
            int to = clamp(stop, by > 0 ? highest : lowest, length, lowest, highest);
            long distance = by > 0 ? (long) to - from : (long) from - to;
            long stride = Math.abs((long) by);
            int count = distance <= 0 ? 0 : (int) ((distance + stride - 1) / stride);
            return new Span(count == 0 ? 0 : from, by, count);
        }

        private static int bound(Value value, int otherwise) {
            return value == Value.None.NONE ? otherwise : Operators.clamped(value);
        }

        private static int clamp(Value value, int otherwise, int length, int lowest, int highest) {
            if (value == Value.None.NONE) {
                return otherwise;
            }
            long index = Operators.clamped(value);
            if (index < 0) {
                index += length;
            }
            return (int) Math.clamp(index, (long) lowest, (long) highest);
        }
    }
}
