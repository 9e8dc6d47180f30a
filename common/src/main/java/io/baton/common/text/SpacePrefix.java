package io.baton.common.text;

import static io.baton.common.text.VocabularyReader.invalid;

import java.util.Arrays;

/** Where a tokenizer puts a space before text, so that a first word looks like any other. */
enum SpacePrefix {
    NEVER("never"),

    /** Before all text that follows no text. */
    EVERY("every"),

    /** The same, unless a space is there. */
    UNLESS_THERE("unless-there"),

    /** At the very beginning only, unless a space is there. */
    FIRST("first");

    private final String label;

    SpacePrefix(String label) {
        this.label = label;
    }

    static SpacePrefix of(String label) {
        return Arrays.stream(values())
                .filter(one -> one.label.equals(label))
                .findFirst()
                .orElseThrow(
                        () -> invalid(TokenizerKeys.SPACE_PREFIX, "unknown value '%s'", label));
    }

    boolean applies(String text, int from) {
        boolean there = text.charAt(from) == ' ' || text.charAt(from) == '\u2581';
        return switch (this) {
            case NEVER -> false;
            case EVERY -> true;
            case UNLESS_THERE -> !there;
            case FIRST -> from == 0 && !there;
        };
    }
}
