package io.baton.common.text.jinja;

/**
 * What one template may cost. A step is one evaluated expression or statement, or the handling of
 * 64 characters or 4 items.
 *
 * @param sourceChars longest template source, in UTF-16 units
 * @param parseDepth deepest nesting of expressions and blocks in the source
 * @param steps most steps of one render
 * @param textChars longest string, and longest output, in UTF-16 units
 * @param items longest list or other collection
 * @param depth deepest nesting of evaluation; a macro call takes about five levels
 */
public record Limits(
        int sourceChars, int parseDepth, long steps, int textChars, int items, int depth) {
    /**
     * Generous for real templates (a conversation of 1,000 messages takes about 200,000 steps),
     * small against a hostile one (the most it can take is a fraction of a second).
     */
    public static final Limits DEFAULT =
            new Limits(1 << 20, 100, 2_000_000, 4 << 20, 1_000_000, 600);

    public Limits {
        if (sourceChars < 1
                || parseDepth < 1
                || steps < 1
                || textChars < 1
                || items < 1
                || depth < 1) {
            throw new IllegalArgumentException("limits must be positive");
        }
    }
}
