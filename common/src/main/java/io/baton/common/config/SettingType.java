package io.baton.common.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * How a setting's text becomes a value.
 *
 * @param label what is allowed, for messages and docs: {@code integer from 0 to 65535}
 * @param parser throws {@link IllegalArgumentException} for what is not allowed
 * @param formatter the inverse, in the shortest spelling
 * @param schema its JSON Schema
 * @param <T> type of the value
 */
public record SettingType<T>(
        String label,
        Function<String, T> parser,
        Function<T, String> formatter,
        Map<String, Object> schema) {
    private static final int MAX_LIST = 1024;

    public SettingType {
        schema = Map.copyOf(schema);
    }

    /** The value of a text, or {@link IllegalArgumentException}. */
    public T parse(String text) {
        return parser.apply(text);
    }

    /** The text of a value. */
    public String format(T value) {
        return formatter.apply(value);
    }

    static SettingType<String> text() {
        return new SettingType<>(
                "text", SettingType::notBlank, Function.identity(), Map.of("type", "string"));
    }

    /** A text that may be left empty, which means: not set. */
    static SettingType<Optional<String>> optionalText() {
        return new SettingType<>(
                "text, or empty",
                text -> text.isBlank() ? Optional.empty() : Optional.of(text.strip()),
                value -> value.orElse(""),
                Map.of("type", "string"));
    }

    static SettingType<Optional<Path>> optionalPath() {
        return new SettingType<>(
                "path, or empty",
                text -> text.isBlank() ? Optional.empty() : Optional.of(path(text.strip())),
                value -> value.map(Path::toString).orElse(""),
                Map.of("type", "string"));
    }

    static SettingType<Boolean> bool() {
        return new SettingType<>(
                "true or false",
                text ->
                        switch (text.strip().toLowerCase(Locale.ROOT)) {
                            case "true", "yes", "on", "1" -> true;
                            case "false", "no", "off", "0" -> false;
                            default -> throw new IllegalArgumentException("not a boolean");
                        },
                value -> Boolean.toString(value),
                Map.of("type", "boolean"));
    }

    static SettingType<Integer> integer(int least, int most) {
        return new SettingType<>(
                most == Integer.MAX_VALUE
                        ? "integer from %d".formatted(least)
                        : "integer from %d to %d".formatted(least, most),
                text -> {
                    int value = Integer.parseInt(text.strip());
                    between(value, least, most);
                    return value;
                },
                value -> Integer.toString(value),
                Map.of("type", "integer", "minimum", least, "maximum", most));
    }

    /** An integer that may be left empty, which means: not set. */
    static SettingType<Optional<Integer>> optionalInteger(int least, int most) {
        SettingType<Integer> set = integer(least, most);
        return new SettingType<>(
                set.label() + ", or empty",
                text -> text.isBlank() ? Optional.empty() : Optional.of(set.parse(text)),
                value -> value.map(set::format).orElse(""),
                Map.of("type", List.of("integer", "string")));
    }

    static SettingType<Double> decimal(double least, double most) {
        return new SettingType<>(
                "number from %s to %s".formatted(trim(least), trim(most)),
                text -> {
                    double value = Double.parseDouble(text.strip());
                    if (!(value >= least && value <= most)) {
                        throw new IllegalArgumentException("out of range");
                    }
                    return value;
                },
                SettingType::trim,
                Map.of("type", "number", "minimum", least, "maximum", most));
    }

    /** Bytes, with units: {@code 64KiB}, {@code 2GiB}, {@code 1MB}. */
    static SettingType<Long> bytes(String least, String most) {
        long lower = Quantities.bytes(least);
        long upper = Quantities.bytes(most);
        return new SettingType<>(
                "size from %s to %s".formatted(least, most),
                text -> {
                    long value = Quantities.bytes(text);
                    between(value, lower, upper);
                    return value;
                },
                Quantities::formatBytes,
                Map.of("type", List.of("string", "integer")));
    }

    /** Durations, with units: {@code 250ms}, {@code 3s}, {@code 5m}. */
    static SettingType<Duration> duration(String least, String most) {
        Duration lower = Quantities.duration(least);
        Duration upper = Quantities.duration(most);
        return new SettingType<>(
                "duration from %s to %s".formatted(least, most),
                text -> {
                    Duration value = Quantities.duration(text);
                    between(value.toNanos(), lower.toNanos(), upper.toNanos());
                    return value;
                },
                Quantities::formatDuration,
                Map.of("type", "string"));
    }

    static SettingType<String> oneOf(String... choices) {
        List<String> allowed = List.of(choices);
        return new SettingType<>(
                "one of " + String.join(", ", allowed),
                text -> {
                    String value = text.strip().toLowerCase(Locale.ROOT);
                    if (!allowed.contains(value)) {
                        throw new IllegalArgumentException("not a choice");
                    }
                    return value;
                },
                Function.identity(),
                Map.of("type", "string", "enum", allowed));
    }

    /** A constant of an enum, spelled in lower case with hyphens. */
    static <E extends Enum<E>> SettingType<E> oneOf(Class<E> type) {
        E[] constants = type.getEnumConstants();
        List<String> labels = Arrays.stream(constants).map(SettingType::label).toList();
        return new SettingType<>(
                "one of " + String.join(", ", labels),
                text -> {
                    int index = labels.indexOf(text.strip().toLowerCase(Locale.ROOT));
                    if (index < 0) {
                        throw new IllegalArgumentException("not a choice");
                    }
                    return constants[index];
                },
                SettingType::label,
                Map.of("type", "string", "enum", labels));
    }

    /** Texts separated by commas; in a file also a list. */
    static SettingType<List<String>> list() {
        return new SettingType<>(
                "list of at most %d, separated by commas".formatted(MAX_LIST),
                text -> {
                    List<String> items =
                            Arrays.stream(text.split(","))
                                    .map(String::strip)
                                    .filter(item -> !item.isEmpty())
                                    .toList();
                    between(items.size(), 0, MAX_LIST);
                    return items;
                },
                items -> String.join(",", items),
                Map.of(
                        "type",
                        List.of("array", "string"),
                        "items",
                        Map.of("type", "string"),
                        "maxItems",
                        MAX_LIST));
    }

    static SettingType<KvPoolSize> poolSize() {
        return new SettingType<>(
                "size such as 2GiB, or tokens such as 65536tokens",
                KvPoolSize::parse,
                KvPoolSize::text,
                Map.of("type", List.of("string", "integer")));
    }

    private static <E extends Enum<E>> String label(E constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("not a path", e);
        }
    }

    private static String notBlank(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("empty");
        }
        return text.strip();
    }

    private static void between(long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException("out of range");
        }
    }

    private static String trim(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
