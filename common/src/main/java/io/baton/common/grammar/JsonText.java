package io.baton.common.grammar;

/**
 * A JSON string of so many characters, with its quotes: an automaton for one character and a count.
 * The count is no part of a table, so that any length costs the same. Immutable.
 *
 * <pre>
 * state: 0 start, 1 end, 2 + (count &lt;&lt; 8 | state within the character)
 * </pre>
 */
final class JsonText implements Terminal {
    private static final int END = 1;
    private static final int FIRST = 2;
    private static final int COUNT_SHIFT = 8;
    private static final int WITHIN = (1 << COUNT_SHIFT) - 1;

    private final Dfa character;
    private final int min;
    private final int max;

    /**
     * @param character one character in all its writings; ends at its first accepting state
     * @param max -1 for no limit
     */
    JsonText(Dfa character, int min, int max) {
        if (character.states() > WITHIN) {
            throw new IllegalArgumentException("a character has few states");
        }
        this.character = character;
        this.min = min;
        this.max = max;
    }

    @Override
    public int step(int state, int octet) {
        if (state == START) {
            return octet == '"' ? FIRST : DEAD;
        }
        if (state == END) {
            return DEAD;
        }
        int count = count(state);
        int within = within(state);
        if (within == START) {
            if (octet == '"') {
                return count >= min ? END : DEAD;
            }
            if (count == max) {
                return DEAD;
            }
        }
        int next = character.step(within, octet);
        if (next == DEAD) {
            return DEAD;
        }
        return character.accepts(next) ? state(counted(count + 1), START) : state(count, next);
    }

    /** Without a limit nothing is to be told apart beyond the minimum. */
    private int counted(int count) {
        return max < 0 ? Math.min(count, min) : count;
    }

    private int state(int count, int within) {
        return FIRST + (count << COUNT_SHIFT | within);
    }

    @Override
    public boolean accepts(int state) {
        return state == END;
    }

    @Override
    public boolean goesOn(int state) {
        return state != END;
    }

    /** The automaton of one character. */
    Dfa character() {
        return character;
    }

    /** Whether the opening quote is written and the closing one is not. */
    boolean isInside(int state) {
        return state >= FIRST;
    }

    /** The place within a character, {@link #START} between two; only inside. */
    int within(int state) {
        return (state - FIRST) & WITHIN;
    }

    /** Characters that must still come; only inside. */
    int least(int state) {
        return Math.max(0, min - count(state));
    }

    /** Characters that may still come; only inside. */
    int most(int state) {
        return max < 0 ? Integer.MAX_VALUE : max - count(state);
    }

    private static int count(int state) {
        return (state - FIRST) >>> COUNT_SHIFT;
    }

    /** Far from both limits, only the place within the character counts. */
    @Override
    public int canonical(int state, int longest) {
        if (!isInside(state)) {
            return state;
        }
        int count = count(state);
        int within = within(state);
        boolean farFromMax = max < 0 || (long) count + longest < max;
        if (farFromMax && count >= min) {
            return state(min, within);
        }
        if (farFromMax && (long) count + longest < min) {
            return state(0, within);
        }
        return state;
    }
}
