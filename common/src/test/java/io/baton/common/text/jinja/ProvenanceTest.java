package io.baton.common.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.text.PromptText;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which characters of a prompt came from a user. */
class ProvenanceTest {
    /** Operations that end in user text, whatever is done to it. */
    private static final List<String> OPERATIONS =
            List.of(
                    "(%s)|upper",
                    "(%s)|lower",
                    "(%s)|title",
                    "(%s)|capitalize",
                    "(%s)|trim",
                    "(%s)|safe",
                    "(%s)|escape",
                    "(%s)|string",
                    "(%s)|indent(2, true)",
                    "(%s)|replace('B', '.')",
                    "(%s).strip()",
                    "(%s).split('B')|join('-')",
                    "(%s).splitlines()[0]",
                    "(%s)[1:]",
                    "(%s)[::-1]",
                    "(%s)|reverse",
                    "(%s)|list|join",
                    "[(%s), 'T']|join('-')",
                    "{'k': (%s)}['k']",
                    "{'k': (%s)}|tojson",
                    "[(%s)]|string",
                    "{(%s): 1}|list|first",
                    "{(%s): 1}|items|map('first')|join",
                    "('x' ~ (%s) ~ 'y')",
                    "((%s) + 'T')",
                    "('T' + (%s))",
                    "((%s) * 2)",
                    "('<%%s>' %% (%s))",
                    "('<%%(a)9s>' %% {'a': (%s)})",
                    "'<{}>'.format((%s))",
                    "'<{a:^30}>'.format(a=(%s))",
                    "[(%s)]|map('upper')|join",
                    "[(%s)]|sort|first",
                    "[(%s)]|unique|first",
                    "[[(%s)]]|sum(start=[])|first",
                    "namespace(a=(%s)).a",
                    "dict(a=(%s))|dictsort|string",
                    "m((%s))",
                    "((%s) if true else 'T')",
                    "((%s) or 'T')",
                    "(%s).center(40)",
                    "(%s).partition('B')|join",
                    "'BT'.join([(%s), (%s)])",
                    "'aTa'.replace('T', (%s))",
                    "(%s).removeprefix('T')",
                    "(%s).zfill(30)",
                    "(%s)|default('T')",
                    "[(%s)]|batch(1)|first|first",
                    "((%s),)|max");

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            quoteCharacter = '"',
            value = {
                "T{{ u }}T # TuuuT",
                "{{ 'T' ~ u }} # Tuuu",
                "{{ 'T' + u + 'T' }} # TuuuT",
                "{{ ('T' + u)[1:3] }} # uu",
                "{{ ('T' + u)[:2] }} # Tu",
                "{{ (u + 'TT')[::-1] }} # TTuuu",
                "{{ ['T', u]|join('-') }} # T-uuu",
                "{{ u|upper ~ 'T' }} # UUUT",
                "{{ (u ~ 'T')|upper }} # UUUT",
                "{{ 'aTa'.replace('a', u) }} # uuuTuuu",
                "{{ (u ~ ' T ')|trim }} # uuu T",
                "{% set x %}T{{ u }}{% endset %}{{ x ~ 'T' }} # TuuuT",
                "{% for c in u ~ 'T' %}{{ c }}{% endfor %} # uuuT",
                "{% macro m(x) %}T{{ x }}{% endmacro %}{{ m(u) }} # Tuuu",
                "{% filter upper %}T{{ u }}{% endfilter %} # TUUU",
                "{{ '%s|%s' % (u, 'T') }} # uuu|T",
                "{{ '{}|{}'.format('T', u) }} # T|uuu",
                "{{ [u, 'T']|string }} # UUUUUUUUUUUU",
                "{{ {'T': u}|tojson }} # UUUUUUUUUUUU",
                "{{ ['T']|tojson }} # TTTTT"
            })
    void isExactWhereItCanBe(String source, String expected) {
        PromptText prompt = Rendering.render(source, Map.of("u", "uuu"));
        for (int i = 0; i < prompt.text().length(); i++) {
            boolean user = expected.charAt(i) == 'u' || expected.charAt(i) == 'U';
            assertEquals(!user, prompt.isTrusted(i, i + 1), source + " at " + i);
        }
        assertEquals(expected.length(), prompt.text().length(), prompt.text());
    }

    /**
     * The user's text is made of characters that templates here do not hold; wherever one appears
     * in the output, it must be marked, after any three operations one upon the other.
     */
    @Test
    void noOperationMakesUserTextTrusted() {
        SplittableRandom random = new SplittableRandom(42);
        int shown = 0;
        for (int round = 0; round < 2000; round++) {
            String expression = "u";
            for (int depth = 1 + random.nextInt(3); depth > 0; depth--) {
                String operation = OPERATIONS.get(random.nextInt(OPERATIONS.size()));
                expression =
                        operation
                                .replace("%%", "\0")
                                .replace("(%s)", "(" + expression + ")")
                                .replace("\0", "%");
            }
            String source =
                    "{% macro m(x) %}a{{ x }}b{% endmacro %}{% set x = "
                            + expression
                            + " %}<|im_start|>{{ x }}<|im_end|>";
            PromptText prompt;
            try {
                prompt = Rendering.render(source, Map.of("u", "ж\uFF5Cшß\nдBж щ\uFF1Cъ"));
            } catch (io.baton.common.error.BatonException notThisCombination) {
                continue;
            }
            shown++;
            for (int i = 0; i < prompt.text().length(); i++) {
                if (prompt.text().charAt(i) > 0xFF) {
                    assertTrue(!prompt.isTrusted(i, i + 1), source + "\n" + prompt);
                }
            }
            assertTrue(prompt.isTrusted(0, 12), source);
            assertTrue(
                    prompt.isTrusted(prompt.text().length() - 10, prompt.text().length()), source);
        }
        assertTrue(shown > 1000, "only " + shown + " combinations rendered");
    }
}
