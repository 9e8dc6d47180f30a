package io.baton.common.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Finds calls in an answer as it comes. Text before a call is given out as it comes, save what may
 * be the beginning of a marker and white space that may stand before one; a call's name is given
 * out as soon as it is known to be one, its arguments as they come. What looked like a call and is
 * none is text again, to the character. The events, put together, do not depend on how the answer
 * was cut. One thread.
 */
public final class ToolCallParser {
    private enum Place {
        /** For the reader. */
        TEXT,
        /** Behind a marker, before, between or after calls. */
        BETWEEN,
        /** In a call's object. */
        CALL,
        /** In a name that stands before its arguments. */
        NAME
    }

    private final ToolStyle style;
    private final IntFunction<String> ids;
    private final int maxCalls;

    private Place place = Place.TEXT;

    /** Text that is held back. */
    private final StringBuilder held = new StringBuilder();

    /** All since the marker or the call's first brace, while it may turn out to be text. */
    private final StringBuilder raw = new StringBuilder();

    private boolean keeping;

    /** A marker's beginning, between calls. */
    private final StringBuilder marker = new StringBuilder();

    private final StringBuilder name = new StringBuilder();
    private @Nullable CallScanner call;
    private boolean marked;
    private boolean started;
    private boolean wroteText;
    private int calls;
    private List<ToolEvent> events = new ArrayList<>();

    /**
     * @param ids names the call with an index
     * @param maxCalls calls beyond are left out
     */
    public ToolCallParser(ToolStyle style, IntFunction<String> ids, int maxCalls) {
        this.style = style;
        this.ids = ids;
        this.maxCalls = maxCalls;
    }

    /** How many calls were begun. */
    public int calls() {
        return Math.min(calls, maxCalls);
    }

    /** Takes more of the answer. */
    public List<ToolEvent> push(String delta) {
        for (int i = 0; i < delta.length(); i++) {
            push(delta.charAt(i));
        }
        if (place == Place.TEXT) {
            release();
        }
        return taken();
    }

    /** The answer is over. */
    public List<ToolEvent> finish() {
        if (place != Place.TEXT && keeping) {
            toText();
        }
        if (calls == 0 || !held.toString().isBlank()) {
            text(held.toString());
        }
        held.setLength(0);
        return taken();
    }

    private List<ToolEvent> taken() {
        List<ToolEvent> taken = events;
        events = new ArrayList<>();
        return taken;
    }

    private void push(char c) {
        switch (place) {
            case TEXT -> inText(c);
            case BETWEEN -> between(c);
            case CALL -> inCall(c);
            case NAME -> inName(c);
        }
    }

    // ---- text ----

    private void inText(char c) {
        boolean first = style.isBare() && !wroteText && calls == 0 && held.toString().isBlank();
        held.append(c);
        if (first && c == '{') {
            open(held.length() - 1, false);
            between(c);
            return;
        }
        for (String opener : style.openers()) {
            int from = held.length() - opener.length();
            if (from >= 0 && held.indexOf(opener, from) == from) {
                open(from, true);
                return;
            }
        }
    }

    /** Gives out the text before a marker and goes behind it. */
    private void open(int from, boolean isMarked) {
        int end = from;
        while (end > 0 && Character.isWhitespace(held.charAt(end - 1))) {
            end--;
        }
        text(held.substring(0, end));
        raw.setLength(0);
        raw.append(held, end, isMarked ? held.length() : from);
        keeping = true;
        held.setLength(0);
        marker.setLength(0);
        marked = isMarked;
        place = Place.BETWEEN;
    }

    /** Gives out what can be no part of a marker and no space before one. */
    private void release() {
        int keep = 0;
        for (String opener : style.openers()) {
            for (int n = Math.min(opener.length() - 1, held.length()); n > keep; n--) {
                if (opener.startsWith(held.substring(held.length() - n))) {
                    keep = n;
                }
            }
        }
        int end = held.length() - keep;
        while (end > 0 && Character.isWhitespace(held.charAt(end - 1))) {
            end--;
        }
        text(held.substring(0, end));
        held.delete(0, end);
    }

    private void text(String text) {
        // White space after a call is no text of its own.
        String shown = calls > 0 && !wroteText ? text.stripLeading() : text;
        if (!shown.isEmpty()) {
            wroteText = true;
            events.add(new ToolEvent.Text(shown));
        }
    }

    /** What was held to be calls is text. */
    private void toText() {
        held.append(raw);
        raw.setLength(0);
        keeping = false;
        marker.setLength(0);
        call = null;
        wroteText |= style.isBare();
        place = Place.TEXT;
    }

    // ---- calls ----

    private void between(char c) {
        if (!marker.isEmpty() || isMarkerStart(c)) {
            inMarker(c);
        } else if (c == '{') {
            beginCall(CallScanner.ofObject());
            inCall(c);
        } else if (Character.isWhitespace(c) || c == '[' || c == ']' || c == ',' || c == ';') {
            keep(c);
        } else if (style.takesNames() && Character.isJavaIdentifierStart(c)) {
            keep(c);
            name.setLength(0);
            name.append(c);
            place = Place.NAME;
        } else {
            noCall(c);
        }
    }

    private boolean isMarkerStart(char c) {
        boolean closes = !style.closer().isEmpty() && style.closer().charAt(0) == c;
        // In a list a bracket is the list's.
        boolean opens =
                calls > 0
                        && !keeping
                        && style.openers().stream().anyMatch(o -> o.charAt(0) == c && c != '{');
        return marked && closes || opens;
    }

    private void inMarker(char c) {
        marker.append(c);
        String sofar = marker.toString();
        if (marked && sofar.equals(style.closer())) {
            marker.setLength(0);
            if (keeping) {
                keep(sofar);
                toText();
            } else {
                place = Place.TEXT;
            }
        } else if (style.openers().contains(sofar)) {
            marker.setLength(0);
            marked = true;
        } else if (!style.closer().startsWith(sofar)
                && style.openers().stream().noneMatch(o -> o.startsWith(sofar))) {
            marker.setLength(0);
            if (sofar.length() == 2 && sofar.charAt(0) == '[') {
                // A list's bracket after all.
                keep('[');
                between(c);
            } else {
                noCall(sofar);
            }
        }
    }

    private void keep(char c) {
        keep(String.valueOf(c));
    }

    private void keep(String text) {
        if (keeping) {
            raw.append(text);
        }
    }

    private void noCall(char c) {
        noCall(String.valueOf(c));
    }

    /** Something that is no call where one could be: text again, and text from here on. */
    private void noCall(String found) {
        if (keeping) {
            keep(found);
            toText();
        } else {
            held.append(found);
            place = Place.TEXT;
        }
    }

    private void beginCall(CallScanner scanner) {
        call = scanner;
        started = false;
        keeping = true;
        place = Place.CALL;
    }

    private void inName(char c) {
        keep(c);
        int tag = name.indexOf("[");
        if (c == '{') {
            String called = tag < 0 ? name.toString() : name.substring(0, tag);
            beginCall(CallScanner.ofArguments(called.strip()));
            scan(c);
        } else if (tag < 0 && c != '[' && !isNamePart(c) || name.length() > 256) {
            toText();
        } else {
            name.append(c);
        }
    }

    private static boolean isNamePart(char c) {
        return Character.isJavaIdentifierPart(c) || c == '-' || c == '.' || c == ' ';
    }

    private void inCall(char c) {
        keep(c);
        scan(c);
    }

    private void scan(char c) {
        CallScanner scanner = call;
        if (scanner == null) {
            throw new IllegalStateException("no call is being read");
        }
        scanner.push(c);
        boolean known =
                scanner.name() != null && (scanner.sawArguments() || scanner.isDone() && marked);
        if (known && !started) {
            begin(String.valueOf(scanner.name()));
        }
        if (started) {
            arguments(scanner.takeArguments());
        }
        if (scanner.isDone() || scanner.isBroken()) {
            end(scanner);
        }
    }

    private void begin(String called) {
        started = true;
        keeping = false;
        raw.setLength(0);
        wroteText = false;
        if (calls < maxCalls) {
            events.add(new ToolEvent.Start(calls, ids.apply(calls), called));
        }
        calls++;
    }

    private void arguments(String delta) {
        if (delta.isEmpty() || calls > maxCalls) {
            return;
        }
        if (!events.isEmpty()
                && events.getLast() instanceof ToolEvent.Arguments(int index, String before)
                && index == calls - 1) {
            events.set(events.size() - 1, new ToolEvent.Arguments(index, before + delta));
        } else {
            events.add(new ToolEvent.Arguments(calls - 1, delta));
        }
    }

    private void end(CallScanner scanner) {
        if (!started) {
            toText();
            return;
        }
        if (scanner.isDone() && !scanner.sawArguments()) {
            arguments("{}");
        }
        call = null;
        place = Place.BETWEEN;
    }
}
