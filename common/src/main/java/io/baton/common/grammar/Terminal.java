package io.baton.common.grammar;

/**
 * An automaton over bytes. From every state that it reaches, an accepting one can be reached with
 * bytes that the model's vocabulary can spell one by one. Immutable; compared by identity.
 */
interface Terminal {
    /** The state before the first byte. */
    int START = 0;

    /** No state: the text is none of the language. */
    int DEAD = -1;

    /**
     * The state after a byte, or {@link #DEAD}.
     *
     * @param octet 0 to 255
     */
    int step(int state, int octet);

    /** Whether the bytes so far are a whole text of the language. */
    boolean accepts(int state);

    /** Whether any byte can follow. */
    boolean goesOn(int state);

    /**
     * A state from which the same texts of up to {@code longest} bytes can be taken and are
     * accepted at the same lengths: so that they share a mask.
     */
    default int canonical(int state, int longest) {
        return state;
    }
}
