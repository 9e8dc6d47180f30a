package io.baton.common.openai;

/** One prompt of a completion request. */
public sealed interface Prompt {
    /** A text, which a user wrote. */
    record Text(String text) implements Prompt {}

    /** Token ids, all at least 0; whether they are below the vocabulary's size is not yet known. */
    record Tokens(int[] ids) implements Prompt {}
}
