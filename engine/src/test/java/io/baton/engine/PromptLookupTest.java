package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PromptLookupTest {
    private static int[] guess(PromptLookup lookup, int... tokens) {
        return lookup.guess(tokens, tokens.length, 100);
    }

    @Test
    void takesWhatFollowsTheLongestLatestMatch() {
        PromptLookup lookup = new PromptLookup(2);
        assertArrayEquals(new int[] {}, guess(lookup, 1, 2, 3, 4));
        assertArrayEquals(new int[] {}, guess(lookup, 1));
        assertArrayEquals(new int[] {8, 9}, guess(lookup, 1, 2, 3, 8, 9, 1, 2, 3));
        assertArrayEquals(
                new int[] {8, 9},
                guess(lookup, 1, 2, 3, 8, 9, 2, 3, 7, 7, 1, 2, 3),
                "three before two");
        assertArrayEquals(
                new int[] {6, 1},
                guess(lookup, 1, 2, 3, 8, 1, 2, 3, 6, 1, 2, 3),
                "the latest of equals");
        assertArrayEquals(new int[] {5, 4}, guess(lookup, 3, 5, 4, 3));
    }

    @Test
    void aLoopGoesOnBeyondTheEnd() {
        assertArrayEquals(new int[] {2, 1, 2, 1}, guess(new PromptLookup(4), 9, 1, 2, 1, 2, 1));
        assertArrayEquals(new int[] {7, 7, 7}, guess(new PromptLookup(3), 7, 7, 7, 7));
    }

    @Test
    void roomBoundsTheGuess() {
        int[] tokens = {1, 2, 3, 8, 9, 1, 2, 3};
        assertEquals(1, new PromptLookup(4).guess(tokens, 8, 1).length);
        assertEquals(0, new PromptLookup(4).guess(tokens, 8, 0).length);
        assertEquals(0, new PromptLookup(4).guess(tokens, 8, -5).length);
    }

    @Test
    void rightGuessesGrowAndWrongOnesEndInPausesThatDouble() {
        int[] tokens = {1, 2, 3, 8, 9, 1, 2, 3};
        PromptLookup lookup = new PromptLookup(16);
        assertEquals(4, guess(lookup, tokens).length);
        lookup.learn(4, 4);
        assertEquals(8, guess(lookup, tokens).length);
        lookup.learn(8, 8);
        assertEquals(16, guess(lookup, tokens).length);
        lookup.learn(16, 3);
        assertEquals(8, guess(lookup, tokens).length);
        int guesses = 0;
        int wrong = 0;
        for (int i = 0; i < 1000; i++) {
            int count = guess(lookup, tokens).length;
            guesses += count > 0 ? 1 : 0;
            wrong += count;
            if (count > 0) {
                lookup.learn(count, 0);
            }
        }
        assertTrue(guesses < 30, guesses + " chances taken of 1000");
        assertTrue(wrong < 45, wrong + " tokens guessed in vain");
        while (guess(lookup, tokens).length == 0) {
            // A pause is at most 64 chances.
            assertTrue(guesses++ < 100);
        }
        lookup.learn(1, 1);
        assertEquals(2, guess(lookup, tokens).length, "and back it comes");
    }

    /** The same tokens give the same guesses, whatever they are. */
    @Test
    void isAStateMachineOverTokens() {
        int[] tokens = new SplittableRandom(1).ints(3000, 0, 12).toArray();
        PromptLookup one = new PromptLookup(6);
        PromptLookup two = new PromptLookup(6);
        for (int size = 1; size < tokens.length - 6; size++) {
            int[] guess = one.guess(tokens, size, 6);
            assertArrayEquals(guess, two.guess(tokens.clone(), size, 6));
            int right = 0;
            while (right < guess.length && guess[right] == tokens[size + right]) {
                right++;
            }
            if (guess.length > 0) {
                one.learn(guess.length, right);
                two.learn(guess.length, right);
            }
        }
    }
}
