package io.baton.common.text.jinja;

/** What is left of one render's {@link Limits}. */
final class Budget {
    private final Limits limits;
    private long stepsLeft;
    private int depth;

    Budget(Limits limits) {
        this.limits = limits;
        this.stepsLeft = limits.steps();
    }

    /** One step and one level deeper. {@link #leave} is its counterpart where nothing is thrown. */
    void enter() {
        spend(1);
        if (++depth > limits.depth()) {
            throw TemplateFailure.limit(
                    "evaluation nests deeper than "
                            + limits.depth()
                            + " levels (is a macro calling itself without end?)");
        }
    }

    void leave() {
        depth--;
    }

    /** Takes that many steps. */
    void spend(long steps) {
        stepsLeft -= steps;
        if (stepsLeft < 0) {
            throw TemplateFailure.limit(
                    "the template takes more than " + limits.steps() + " steps");
        }
    }

    /** To be called before a string of that many UTF-16 units is made. */
    void text(long chars) {
        appended(chars, chars);
    }

    /** To be called before a string grows by {@code more} UTF-16 units to {@code chars}. */
    void appended(long chars, long more) {
        if (chars > limits.textChars()) {
            throw TemplateFailure.limit(
                    "a text would be longer than " + limits.textChars() + " characters");
        }
        spend(more >> 6);
    }

    /** To be called before a collection of that many items is made or walked. */
    void items(long count) {
        if (count > limits.items()) {
            throw TemplateFailure.limit(
                    "a collection would have more than " + limits.items() + " items");
        }
        spend(count >> 2);
    }

    /** Longest text, for bounds that must be known before a computation. */
    int textChars() {
        return limits.textChars();
    }
}
