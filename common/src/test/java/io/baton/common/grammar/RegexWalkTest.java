package io.baton.common.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.Constraint.Kind;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same language as java.util.regex has for an expression, both ways. */
class RegexWalkTest {
    private static final Walks WALKS = Walks.over(FakeTokens.tiny());

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[a-z]{3,8}( [A-Z][a-z]+)*\\.|\\d{4}-\\d{2}",
                "(?:a|ab)(?:c|bcd)(?:d*)",
                "(a*)*b|(x+x+)+y",
                "[^\\n\"]{0,12}",
                "é+日?[\\u0041-\\u0043]|\\x41{2}",
                "\\w+@\\w+\\.(com|org)",
                "(?<year>\\d{4})[-/]?(0[1-9]|1[0-2])??",
                "[\\w.+-]{2,}|[\\]^]x",
                "-?(0|[1-9]\\d{0,5})(\\.\\d{1,4})?([eE][+-]?\\d+)?",
                "^start.{0,2}end$",
                "😀{1,3}|[\\u{1F600}-\\u{1F60F}]!",
                "\\(\\[\\{\\}\\]\\)\\.\\*\\?\\|",
                "",
            })
    void theSameLanguageBothWays(String source) {
        Grammar grammar = WALKS.compile(Kind.REGEX, source);
        // Java writes code points in braces with x where ECMA has u.
        Pattern pattern = Pattern.compile(source.replace("\\u{", "\\x{"), Pattern.DOTALL);
        SplittableRandom random = new SplittableRandom(source.hashCode());
        int matched = 0;
        for (int i = 0; i < 300; i++) {
            String text = WALKS.walk(grammar, random, 60, 3).orElse("");
            boolean ended = grammar.accepts(text);
            if (ended) {
                assertTrue(pattern.matcher(text).matches(), text);
                matched++;
            }
            for (int k = 0; k < 10; k++) {
                String other = changed(text, random);
                if (other.codePoints().noneMatch(RegexWalkTest::isLineEnd)) {
                    assertEquals(pattern.matcher(other).matches(), grammar.accepts(other), other);
                }
            }
        }
        assertTrue(matched > 20, matched + " matched");
    }

    /** The dot's line ends are ECMA's here. */
    private static boolean isLineEnd(int c) {
        return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
    }

    private static String changed(String text, SplittableRandom random) {
        String alphabet = "abcdxyzABC0129.-+eE@/ \"é日😀!_()[]";
        int[] letters = alphabet.codePoints().toArray();
        StringBuilder out = new StringBuilder(text);
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            int at = random.nextInt(out.length() + 1);
            if (at > 0 && at < out.length() && Character.isLowSurrogate(out.charAt(at))) {
                continue;
            }
            if (random.nextBoolean() && at < out.length()) {
                out.delete(at, at + Character.charCount(out.codePointAt(at)));
            } else {
                out.insert(at, Character.toString(letters[random.nextInt(letters.length)]));
            }
        }
        return out.toString();
    }

    @Test
    void masksAreThoseOfTryingEveryToken() {
        for (String source :
                new String[] {
                    "(a|b)*abb", "[a-z\"{:]+\\d{2,4}", ".*", "\\{\"name\": \"[^\"]*\"\\}"
                }) {
            WALKS.requireExact(WALKS.compile(Kind.REGEX, source), new SplittableRandom(1), 30);
        }
    }

    @Test
    void aChoiceIsOneOfItsTexts() {
        Grammar grammar = WALKS.compile(Kind.CHOICE, "[\"yes\", \"no\", \"not\", \"日本\"]");
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 50; i++) {
            String text = WALKS.walk(grammar, random, 20, 2).orElseThrow();
            assertTrue(text.matches("yes|no|not|日本"), text);
        }
        assertTrue(grammar.accepts("not"));
        assertTrue(!grammar.accepts("n"));
    }
}
