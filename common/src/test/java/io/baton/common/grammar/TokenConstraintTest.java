package io.baton.common.grammar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.generation.Constraint.Kind;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What one sequence's rule says at its borders. */
class TokenConstraintTest {
    private static final Walks WALKS = Walks.over(FakeTokens.tiny());
    private static final int[] AB = {token('a'), token('b'), FakeTokens.END, FakeTokens.END};

    private static int token(int octet) {
        return 3 + octet;
    }

    private static TokenConstraint start(String regex) {
        return WALKS.grammars().start(WALKS.compile(Kind.REGEX, regex), Walks.ENDS);
    }

    @Test
    void endTokensAreAllowedWhereTheTextIsComplete() {
        TokenConstraint constraint = start("ab?");
        assertFalse(constraint.mask(AB, 0, 0).allows(FakeTokens.END));
        TokenMask after = constraint.mask(AB, 0, 1);
        assertTrue(after.allows(FakeTokens.END));
        assertTrue(after.allows(FakeTokens.OTHER_END));
        assertTrue(after.allows(token('b')));
        assertEquals(2, constraint.mask(AB, 0, 2).count(), "the end tokens only");
        assertEquals(2, constraint.mask(AB, 0, 4).count(), "after the end, too");
    }

    @Test
    void tokensGivenOnAnotherWorkerAreFollowed() {
        TokenConstraint constraint = start("ab*");
        long[] afterAb = constraint.mask(AB, 0, 2).words();
        long[] atStart = constraint.mask(AB, 0, 0).words();
        assertTrue(constraint.mask(new int[] {token('a')}, 0, 1).allows(token('b')));
        assertArrayEquals(afterAb, start("ab*").mask(AB, 0, 2).words());
        assertArrayEquals(atStart, start("ab*").mask(AB, 0, 0).words());
        assertArrayEquals(
                afterAb,
                constraint.mask(new int[] {9, 9, token('a'), token('b')}, 2, 4).words(),
                "the prompt is none of it");
    }

    @Test
    void aTokenThatIsNotOfTheGrammarIsAnError() {
        TokenConstraint constraint = start("ab");
        assertThrows(BatonException.class, () -> constraint.mask(new int[] {token('b')}, 0, 1));
        assertThrows(BatonException.class, () -> constraint.mask(new int[] {FakeTokens.END}, 0, 1));
        assertTrue(constraint.mask(AB, 0, 1).allows(token('b')), "and changes nothing");
    }

    @Test
    void withoutAnEndTokenACompleteTextIsAnError() {
        TokenConstraint constraint =
                WALKS.grammars().start(WALKS.compile(Kind.REGEX, "a"), Set.of());
        assertTrue(constraint.mask(AB, 0, 0).allows(token('a')));
        assertThrows(BatonException.class, () -> constraint.mask(AB, 0, 1));
    }

    @Test
    void controlTokensAreNoText() {
        TokenMask mask = start("[\\s\\S]*").mask(AB, 0, 0);
        assertFalse(mask.allows(FakeTokens.CALL));
        assertTrue(mask.allows(FakeTokens.END));
        assertFalse(mask.allows(token(0xff)));
        assertTrue(mask.allows(token(0xf0)));
    }
}
