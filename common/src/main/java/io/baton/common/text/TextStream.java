package io.baton.common.text;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The text of an answer as its tokens come, ended by stop strings. Text that may turn out to be the
 * start of a stop string is held back; no character is ever split between deltas. The stop string
 * that is complete first ends the text (of several that end together, the longest), so the result
 * does not depend on how the text is cut into tokens. All of it is a pure function of the pushed
 * tokens: pushing the same ones to a new stream gives the same deltas. Owned by one thread.
 */
public final class TextStream {
    /**
     * Most stop strings, and most UTF-16 units of one; a push costs at most their product for each
     * new character.
     */
    public static final int MAX_STOPS = 64;

    /** UTF-16 units of the longest stop string. */
    public static final int MAX_STOP_LENGTH = 1024;

    private final TokenDecoder decoder;
    private final List<String> stops;
    private final boolean includeStop;
    private final int ignoreStopBefore;

    /** Text that was not given out: it may become a stop string. */
    private final StringBuilder held = new StringBuilder();

    private int tokens;
    private @Nullable String stopText;

    /**
     * What a token brought.
     *
     * @param delta text to give out, may be empty
     * @param stopped whether a stop string ended the text
     * @param stopText the stop string, null unless stopped
     */
    public record Step(String delta, boolean stopped, @Nullable String stopText) {}

    /**
     * @param stop stop strings
     * @param includeStop whether the stop string is part of the text
     * @param skipSpecial whether control tokens are left out of the text
     */
    public TextStream(
            Tokenizer tokenizer, List<String> stop, boolean includeStop, boolean skipSpecial) {
        this(tokenizer, new Stops(stop, includeStop, 0), skipSpecial);
    }

    /**
     * @param strings stop strings, none empty
     * @param include whether the stop string is part of the text
     * @param ignoreBefore number of first tokens whose text is not searched (min_tokens)
     */
    public record Stops(List<String> strings, boolean include, int ignoreBefore) {
        /** No stop strings. */
        public static final Stops NONE = new Stops(List.of(), false, 0);

        /**
         * Checks the strings.
         *
         * @throws BatonException INVALID_VALUE for too many, too long or empty ones and for lone
         *     surrogates
         */
        public Stops {
            strings = List.copyOf(strings);
            if (strings.size() > MAX_STOPS) {
                throw refuse(
                        "%d stop strings, at most %d are taken"
                                .formatted(strings.size(), MAX_STOPS));
            }
            for (String stop : strings) {
                if (stop.isEmpty() || stop.length() > MAX_STOP_LENGTH) {
                    throw refuse(
                            "a stop string of %d characters, 1 to %d are taken"
                                    .formatted(stop.length(), MAX_STOP_LENGTH));
                }
                Utf8.requireEncodable(stop);
            }
        }

        private static BatonException refuse(String message) {
            return new BatonException(ErrorCode.INVALID_VALUE, message, "stop");
        }
    }

    public TextStream(Tokenizer tokenizer, Stops stops, boolean skipSpecial) {
        this(tokenizer, stops, token -> skipSpecial);
    }

    /**
     * @param hidden which control tokens are left out of the text
     */
    public TextStream(Tokenizer tokenizer, Stops stops, IntPredicate hidden) {
        this.decoder = TokenDecoder.continuing(tokenizer, hidden);
        this.stops = stops.strings();
        this.includeStop = stops.include();
        this.ignoreStopBefore = stops.ignoreBefore();
    }

    /**
     * Takes the next token.
     *
     * @throws IllegalStateException after the text has ended
     */
    public Step push(int token) {
        if (stopText != null) {
            throw new IllegalStateException("the text ended at its stop string");
        }
        tokens++;
        String text = decoder.push(token);
        if (stops.isEmpty() || tokens <= ignoreStopBefore) {
            return new Step(text, false, null);
        }
        int searched = held.length();
        held.append(text);
        for (int end = searched + 1; end <= held.length(); end++) {
            String stop = longestStopEndingAt(end);
            if (stop != null) {
                stopText = stop;
                String delta = held.substring(0, includeStop ? end : end - stop.length());
                held.setLength(0);
                return new Step(delta, true, stop);
            }
        }
        return new Step(release(), false, null);
    }

    /** Ends the text: gives out what was held back, U+FFFD for an unfinished character. */
    public String finish() {
        if (stopText != null) {
            return "";
        }
        String rest = held.append(decoder.finish()).toString();
        held.setLength(0);
        return rest;
    }

    /** The stop string that ended the text, null if none did so far. */
    public @Nullable String stopText() {
        return stopText;
    }

    private @Nullable String longestStopEndingAt(int end) {
        String longest = null;
        for (String stop : stops) {
            int from = end - stop.length();
            if (from >= 0
                    && (longest == null || stop.length() > longest.length())
                    && startsWith(stop, from, stop.length())) {
                longest = stop;
            }
        }
        return longest;
    }

    /** Gives out all but the longest end of the text that starts a stop string. */
    private String release() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
                if (startsWith(stop, held.length() - n, n)) {
                    longest = n;
                }
            }
        }
        String delta = held.substring(0, held.length() - longest);
        held.delete(0, held.length() - longest);
        return delta;
    }

    private boolean startsWith(String stop, int from, int length) {
        for (int i = 0; i < length; i++) {
            if (held.charAt(from + i) != stop.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
