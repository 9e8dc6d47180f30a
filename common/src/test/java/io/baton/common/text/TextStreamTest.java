package io.baton.common.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.text.TextStream.Step;
import io.baton.common.text.TextStream.Stops;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    private static final TestVocabulary VOCABULARY = TestVocabulary.bytePair("gpt-2");
    private static final Tokenizer TOKENIZER = VOCABULARY.build();

    private static TextStream stream(String... stops) {
        return new TextStream(TOKENIZER, List.of(stops), false, true);
    }

    private static int[] bytes(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[utf8.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = utf8[i] & 0xFF;
        }
        return ids;
    }

    private static boolean endsInHalf(String text) {
        return !text.isEmpty()
                && (Character.isHighSurrogate(text.charAt(text.length() - 1))
                        || Character.isLowSurrogate(text.charAt(0)));
    }

    @Test
    void noDeltaHoldsHalfACharacter() {
        Random random = new Random(1);
        for (int round = 0; round < 500; round++) {
            String text = TokenizersTest.randomText(random, 1 + random.nextInt(20));
            TextStream stream = stream("zzz", "🦙🦙");
            StringBuilder all = new StringBuilder();
            for (int id : bytes(text)) {
                String delta = stream.push(id).delta();
                assertFalse(endsInHalf(delta));
                all.append(delta);
            }
            assertEquals(text, all.append(stream.finish()).toString());
        }
    }

    @Test
    void badBytesBecomeReplacementCharactersAsTheJdkMakesThem() {
        Random random = new Random(2);
        for (int round = 0; round < 2000; round++) {
            byte[] junk = new byte[random.nextInt(12)];
            random.nextBytes(junk);
            TokenDecoder decoder = TokenDecoder.continuing(TOKENIZER, true);
            StringBuilder all = new StringBuilder();
            for (byte b : junk) {
                all.append(decoder.push(b & 0xFF));
            }
            assertEquals(
                    new String(junk, StandardCharsets.UTF_8),
                    all.append(decoder.finish()).toString());
        }
    }

    @Test
    void anUnfinishedCharacterAppearsAtTheEndOnly() {
        TextStream stream = stream();
        assertEquals("", stream.push(0xF0).delta());
        assertEquals("", stream.push(0x9F).delta());
        assertEquals("\uFFFD", stream.finish());
        assertEquals("", stream.finish());
    }

    @Test
    void aStopStringOverTokensIsNeverGivenOut() {
        TextStream stream = stream("\n\nUser:");
        List<String> deltas = new ArrayList<>();
        for (int id : bytes("Hi\n\n\nUser")) {
            deltas.add(stream.push(id).delta());
        }
        assertEquals(List.of("H", "i", "", "", "\n", "", "", "", ""), deltas);
        Step last = stream.push(':');
        assertEquals(new Step("", true, "\n\nUser:"), last);
        assertEquals("", stream.finish());
        assertThrows(IllegalStateException.class, () -> stream.push('x'));
    }

    @Test
    void whatWasHeldBackComesWhenItIsNoStopStringOrTheTextEnds() {
        TextStream stream = stream("abcd");
        assertEquals("", stream.push('a').delta());
        assertEquals("", stream.push('b').delta());
        assertEquals("abx", stream.push('x').delta());
        assertEquals("", stream.push('a').delta());
        assertEquals("a", stream.finish());
        assertNull(stream.stopText());
    }

    @Test
    void theStopStringIsIncludedOnDemand() {
        TextStream stream = new TextStream(TOKENIZER, List.of("lo"), true, true);
        Step step = stream.push(VOCABULARY.id("hello"));
        assertEquals(new Step("hello", true, "lo"), step);
    }

    @Test
    void textAfterAStopStringInTheSameTokenIsDropped() {
        assertEquals(new Step("h", true, "e"), stream("e").push(VOCABULARY.id("hello")));
    }

    @Test
    void firstTokensAreNotSearchedWhenAskedFor() {
        TextStream stream = new TextStream(TOKENIZER, new Stops(List.of("ab"), false, 2), true);
        assertEquals("a", stream.push('a').delta());
        assertEquals("b", stream.push('b').delta());
        assertEquals("", stream.push('a').delta());
        assertTrue(stream.push('b').stopped());
    }

    @Test
    void controlTokensAreLeftOutOnDemand() {
        int start = VOCABULARY.id("<|im_start|>");
        assertEquals("", new TextStream(TOKENIZER, Stops.NONE, true).push(start).delta());
        assertEquals(
                "<|im_start|>", new TextStream(TOKENIZER, Stops.NONE, false).push(start).delta());
        // A control token between the halves of a character does not break it.
        TextStream stream = stream();
        assertEquals("", stream.push(0xC3).delta());
        assertEquals("", stream.push(start).delta());
        assertEquals("é", stream.push(0xA9).delta());
    }

    /** The text up to the stop string must not depend on how it is cut into tokens. */
    @Test
    void theResultIsThatOfASearchOverTheWholeText() {
        Random random = new Random(3);
        TestVocabulary vocabulary = TestVocabulary.bytePair("gpt-2");
        List<String> pieces = new ArrayList<>(List.of("aa", "aab", "bab", "abc", "ca", "bca"));
        pieces.forEach(piece -> vocabulary.token(piece, TestVocabulary.NORMAL, 0));
        Collections.addAll(pieces, "a", "b", "c");
        Tokenizer tokenizer = vocabulary.build();
        for (int round = 0; round < 5000; round++) {
            List<String> stops = new ArrayList<>();
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                StringBuilder stop = new StringBuilder();
                for (int k = 1 + random.nextInt(5); k > 0; k--) {
                    stop.append("abc".charAt(random.nextInt(3)));
                }
                stops.add(stop.toString());
            }
            TextStream stream = new TextStream(tokenizer, stops, false, true);
            StringBuilder whole = new StringBuilder();
            StringBuilder given = new StringBuilder();
            boolean stopped = false;
            for (int n = random.nextInt(12); n > 0 && !stopped; n--) {
                String piece = pieces.get(random.nextInt(pieces.size()));
                whole.append(piece);
                Step step = stream.push(vocabulary.id(piece));
                given.append(step.delta());
                stopped = step.stopped();
            }
            given.append(stream.finish());
            assertEquals(expected(whole.toString(), stops), given.toString(), whole + " " + stops);
        }
    }

    private static String expected(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            int cut = Integer.MAX_VALUE;
            for (String stop : stops) {
                if (text.substring(0, end).endsWith(stop)) {
                    cut = Math.min(cut, end - stop.length());
                }
            }
            if (cut != Integer.MAX_VALUE) {
                return text.substring(0, cut);
            }
        }
        return text;
    }

    @Test
    void aLeadingSpaceGoesFromTheStartOfATextOnly() {
        TestVocabulary pieces = TestVocabulary.sentencePiece();
        Tokenizer tokenizer = pieces.build();
        int hello = pieces.id("▁hello");
        assertEquals("hello hello", TokenDecoder.decode(tokenizer, new int[] {hello, hello}, true));
        assertEquals(" hello", TokenDecoder.continuing(tokenizer, true).push(hello));
        assertEquals("▁hello", tokenizer.name(hello));
    }

    @Test
    void badStopStringsAreRefused() {
        for (List<String> bad :
                List.of(
                        List.of(""),
                        List.of("x".repeat(1025)),
                        Collections.nCopies(65, "x"),
                        List.of("\uD83D"))) {
            BatonException e = assertThrows(BatonException.class, () -> new Stops(bad, false, 0));
            assertEquals(ErrorCode.INVALID_VALUE, e.code());
        }
    }
}
