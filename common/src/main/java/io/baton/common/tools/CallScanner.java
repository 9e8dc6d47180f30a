package io.baton.common.tools;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads one call's object a character at a time: {@code {"name": "f", "arguments": {...}}}, its
 * members in any order. Arguments are handed on as they stand; only their end is looked for. One
 * thread.
 */
final class CallScanner {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Set<String> ARGUMENTS = Set.of("arguments", "parameters");

    private enum Place {
        BEFORE_OBJECT,
        BEFORE_KEY,
        KEY,
        BEFORE_COLON,
        BEFORE_VALUE,
        VALUE,
        AFTER_VALUE,
        DONE,
        BROKEN
    }

    private Place place = Place.BEFORE_OBJECT;
    private final StringBuilder key = new StringBuilder();
    private final StringBuilder value = new StringBuilder();

    /** Arguments that were read and not handed on. */
    private final StringBuilder ready = new StringBuilder();

    private @Nullable String name;
    private boolean sawArguments;
    private int depth;
    private boolean inText;
    private boolean escaped;

    private CallScanner() {}

    /** Reads a whole object. */
    static CallScanner ofObject() {
        return new CallScanner();
    }

    /** Reads the arguments alone. */
    static CallScanner ofArguments(String name) {
        CallScanner scanner = new CallScanner();
        scanner.name = name;
        scanner.key.append("arguments");
        scanner.place = Place.BEFORE_VALUE;
        scanner.bare = true;
        return scanner;
    }

    private boolean bare;

    boolean isDone() {
        return place == Place.DONE;
    }

    boolean isBroken() {
        return place == Place.BROKEN;
    }

    /** The tool's name, null while it is not known. */
    @Nullable String name() {
        return name;
    }

    boolean sawArguments() {
        return sawArguments;
    }

    /** Arguments read since the last time. */
    String takeArguments() {
        String taken = ready.toString();
        ready.setLength(0);
        return taken;
    }

    void push(char c) {
        switch (place) {
            case BEFORE_OBJECT -> place = c == '{' ? Place.BEFORE_KEY : Place.BROKEN;
            case BEFORE_KEY -> {
                if (c == '"') {
                    key.setLength(0);
                    place = Place.KEY;
                } else if (c == '}') {
                    place = Place.DONE;
                } else if (!isSpace(c)) {
                    place = Place.BROKEN;
                }
            }
            case KEY -> {
                if (c == '"' && !escaped) {
                    place = Place.BEFORE_COLON;
                } else {
                    escaped = c == '\\' && !escaped;
                    key.append(c);
                }
            }
            case BEFORE_COLON -> {
                if (!isSpace(c)) {
                    place = c == ':' ? Place.BEFORE_VALUE : Place.BROKEN;
                }
            }
            case BEFORE_VALUE -> {
                if (!isSpace(c)) {
                    beginValue(c);
                }
            }
            case VALUE -> inValue(c);
            case AFTER_VALUE -> afterValue(c);
            case DONE, BROKEN -> place = Place.BROKEN;
        }
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
    }

    private boolean isArguments() {
        return ARGUMENTS.contains(key.toString());
    }

    private void beginValue(char c) {
        value.setLength(0);
        depth = 0;
        inText = false;
        escaped = false;
        place = Place.VALUE;
        inValue(c);
    }

    private void inValue(char c) {
        boolean scalar = depth == 0 && !inText && !value.isEmpty();
        if (scalar && (c == ',' || c == '}' || isSpace(c))) {
            endValue();
            afterValue(c);
            return;
        }
        value.append(c);
        boolean streamed = isArguments() && value.charAt(0) == '{';
        if (streamed) {
            sawArguments = true;
            ready.append(c);
        }
        if (inText) {
            if (c == '"' && !escaped) {
                inText = false;
            }
            escaped = c == '\\' && !escaped;
        } else if (c == '"') {
            inText = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        boolean container = value.charAt(0) == '{' || value.charAt(0) == '[';
        boolean text = value.charAt(0) == '"' && value.length() > 1;
        if (depth == 0 && !inText && (container || text)) {
            endValue();
        } else if (depth < 0) {
            place = Place.BROKEN;
        } else if (streamed) {
            // What is handed on need not be kept.
            value.setLength(1);
        }
    }

    private void endValue() {
        place = bare ? Place.DONE : Place.AFTER_VALUE;
        if (key.toString().equals("name")) {
            name = decoded(value.toString());
            if (name == null || name.isEmpty()) {
                place = Place.BROKEN;
            }
        } else if (isArguments() && value.charAt(0) != '{') {
            sawArguments = true;
            // Some models write the object as a text, and none as null.
            String text = decoded(value.toString());
            ready.append(
                    text != null
                            ? text
                            : value.toString().equals("null") ? "{}" : value.toString());
        }
        value.setLength(0);
    }

    private static @Nullable String decoded(String json) {
        if (!json.startsWith("\"")) {
            return null;
        }
        try {
            return JSON.readValue(json, String.class);
        } catch (JacksonException notAText) {
            return null;
        }
    }

    private void afterValue(char c) {
        if (c == ',') {
            place = Place.BEFORE_KEY;
        } else if (c == '}') {
            place = Place.DONE;
        } else if (!isSpace(c)) {
            place = Place.BROKEN;
        }
    }
}
