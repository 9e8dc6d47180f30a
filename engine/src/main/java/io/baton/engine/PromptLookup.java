package io.baton.engine;

/**
 * Guesses a sequence's next tokens from its own text (prompt lookup, Saxena 2023): finds the last
 * earlier place where its final three, two or one tokens stand, and takes what follows there.
 *
 * <p>How many are guessed follows from how the guesses fared, for each length of match on its own:
 * all right doubles the number, all wrong halves it; from one wrong guess it is none for a while,
 * which doubles from {@value #FIRST_PAUSE} to {@value #LONGEST_PAUSE} chances. A state machine over
 * tokens alone: the same tokens give the same guesses. The engine thread's own.
 */
final class PromptLookup {
    /** Tokens before the last that are searched. */
    static final int WINDOW = 16_384;

    private static final int LONGEST_MATCH = 3;
    private static final int FIRST_GUESS = 4;
    private static final int FIRST_PAUSE = 4;
    private static final int LONGEST_PAUSE = 64;
    private static final int[] NONE = {};

    /** How guesses after a match of some length fare. */
    private static final class Luck {
        private int guess;
        private int pause = FIRST_PAUSE;
        private int chancesToPass;
    }

    private final int mostTokens;
    private final Luck[] lucks = new Luck[LONGEST_MATCH + 1];
    private int lastMatch;

    /**
     * @param mostTokens guessed at a time, at least 1
     */
    PromptLookup(int mostTokens) {
        this.mostTokens = mostTokens;
        for (int match = 1; match <= LONGEST_MATCH; match++) {
            lucks[match] = new Luck();
            lucks[match].guess = Math.min(FIRST_GUESS, mostTokens);
        }
    }

    /**
     * Guesses.
     *
     * @param tokens of the sequence
     * @param size how many there are
     * @param most guesses that there is room for
     * @return what may follow; empty for no guess
     */
    int[] guess(int[] tokens, int size, int most) {
        if (most <= 0) {
            return NONE;
        }
        int match = 0;
        int place = 0;
        for (int end = size - 1; end > Math.max(0, size - 1 - WINDOW); end--) {
            int length = matchBefore(tokens, end, size, match);
            if (length > match) {
                match = length;
                place = end;
                if (match == LONGEST_MATCH) {
                    break;
                }
            }
        }
        if (match == 0) {
            return NONE;
        }
        Luck luck = lucks[match];
        if (luck.chancesToPass > 0) {
            luck.chancesToPass--;
            return NONE;
        }
        lastMatch = match;
        int[] guess = new int[Math.min(Math.max(1, luck.guess), most)];
        for (int i = 0; i < guess.length; i++) {
            // Beyond the end the text is taken to go on as it just did: a loop.
            guess[i] = place + i < size ? tokens[place + i] : guess[place + i - size];
        }
        return guess;
    }

    /**
     * How many tokens before {@code end} are as the last ones; looks for more than {@code best}.
     */
    private static int matchBefore(int[] tokens, int end, int size, int best) {
        int length = 0;
        while (length < LONGEST_MATCH
                && end - 1 - length >= 0
                && tokens[end - 1 - length] == tokens[size - 1 - length]) {
            length++;
        }
        return length > best ? length : 0;
    }

    /**
     * How the last guess fared.
     *
     * @param guessed tokens, at least 1
     * @param right of them, from the first
     */
    void learn(int guessed, int right) {
        Luck luck = lucks[lastMatch];
        if (right == guessed) {
            luck.guess = Math.min(mostTokens, Math.max(luck.guess, 2 * guessed));
            luck.pause = FIRST_PAUSE;
        } else if (right > 0) {
            luck.guess = Math.max(right + 1, guessed / 2);
            luck.pause = FIRST_PAUSE;
        } else {
            luck.guess = guessed / 2;
            if (luck.guess == 0) {
                luck.chancesToPass = luck.pause;
                luck.pause = Math.min(LONGEST_PAUSE, 2 * luck.pause);
            }
        }
        luck.guess = Math.min(mostTokens, luck.guess);
    }
}
