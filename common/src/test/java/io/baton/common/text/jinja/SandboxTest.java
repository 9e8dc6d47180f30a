package io.baton.common.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hostile templates: what they ask for does not exist, and what they cost is bounded. */
class SandboxTest {
    private static final Map<String, Object> NOTHING = Map.of();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ ''.__class__ }}",
                "{{ ''['__class__'] }}",
                "{{ ''|attr('__class__') }}",
                "{{ [].__class__ }}",
                "{{ {}.__init__ }}",
                "{{ range.__globals__ }}",
                "{{ namespace().__class__ }}",
                "{{ ().getClass }}",
                "{{ 1.0.class }}",
                "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
                "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
                "{{ self }}",
                "{{ request }}",
                "{{ cycler }}"
            })
    void whatIsNotListedIsUndefined(String source) {
        assertEquals("", Rendering.render(source, NOTHING).text());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ ''.__class__.__mro__ }}",
                "{{ ''.__class__() }}",
                "{{ cycler.__init__.__globals__ }}",
                "{{ [].append(1) }}",
                "{% set d = {} %}{{ d.update({}) }}",
                "{{ [1].pop() }}",
                "{{ '{0.__class__}'.format(1) }}",
                "{{ '{a[b]}'.format(a=1) }}",
                "{{ ''|attr('upper') == 1 or lipsum() }}"
            })
    void usingItFails(String source) {
        assertEquals(ErrorCode.INVALID_REQUEST, failure(source).code());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(10**12) %}{% endfor %}",
                "{{ range(10**12)|list }}",
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "{{ 'a' * 10**9 }}",
                "{{ [0] * 10**9 }}",
                "{{ 10 ** (10 ** 10) }}",
                "{{ (-2) ** (10 ** 10) }}",
                "{{ 7 ** (7 ** 7) }}",
                "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}"
                        + "{% endfor %}",
                "{% set n = namespace(s='ab') %}{% for i in range(99) %}"
                        + "{% set n.s = n.s ~ n.s %}{% endfor %}",
                "{% set n = namespace(s='ab') %}{% for i in range(99) %}"
                        + "{% set n.s = n.s + n.s %}{% endfor %}",
                "{% set n = namespace(s='ab') %}{% for i in range(99) %}"
                        + "{% set n.s = n.s.replace('a', 'aa') %}{% endfor %}",
                "{% set n = namespace(s='ab') %}{% for i in range(99) %}"
                        + "{% set n.s = n.s.join([n.s, n.s]) %}{% endfor %}",
                "{% set n = namespace(s='\\n') %}{% for i in range(99) %}"
                        + "{% set n.s = (n.s ~ n.s)|indent(9, true, true) %}{% endfor %}",
                "{% set n = namespace(l=[0]) %}{% for i in range(99) %}"
                        + "{% set n.l = n.l + n.l %}{% endfor %}",
                "{% set n = namespace(l=[0]) %}{% for i in range(60) %}"
                        + "{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
                "{% set n = namespace(l=[0]) %}{% for i in range(60) %}"
                        + "{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l|tojson }}",
                "{% set n = namespace(l=(0,), m=(0,)) %}{% for i in range(60) %}"
                        + "{% set n.l = (n.l, n.l) %}{% set n.m = (n.m, n.m) %}{% endfor %}"
                        + "{{ n.l == n.m }}",
                "{% set n = namespace(l=(0,)) %}{% for i in range(60) %}"
                        + "{% set n.l = (n.l, n.l) %}{% endfor %}{{ {n.l: 1} }}",
                "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
                "{% set n = namespace(l=[]) %}{% for i in range(999) %}"
                        + "{% set n.l = [n.l] %}{% endfor %}{{ n.l }}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro m(x) %}{{ m(x) ~ m(x) }}{% endmacro %}{{ m(1) }}",
                "{% macro m() %}{{ caller() }}{% endmacro %}"
                        + "{% macro k() %}{% call m() %}{{ k() }}{% endcall %}{% endmacro %}{{ k() }}",
                "{{ '%9999999d' % 1 }}",
                "{{ '%.9999999f' % 1.5 }}",
                "{{ '{:>9999999}'.format(1) }}",
                "{{ 'a'.center(10**9) }}",
                "{{ 'a'|center(10**9) }}",
                "{{ 'a'.zfill(10**9) }}",
                "{{ 'a'|indent(10**9) }}",
                "{{ [1]|batch(10**9, 0)|list }}",
                "{{ {'a': [[[1]]]}|tojson(indent=10**9) }}"
            })
    void whatCostsTooMuchIsRefusedInTime(String source) {
        BatonException refused =
                assertTimeoutPreemptively(Duration.ofSeconds(20), () -> failure(source));
        assertEquals(ErrorCode.INVALID_REQUEST, refused.code());
        assertTrue(refused.text().contains("limits"), refused::text);
        assertTrue(refused.text().contains("line 1, column"), refused::text);
    }

    @Test
    void longTextsAreNotWalkedForNothing() {
        String big = "aé😀".repeat(200_000);
        List<String> sources =
                List.of(
                        "{% for i in range(99999) %}{{ s[i] }}{% endfor %}",
                        "{% for i in range(99999) %}{{ s|length }}{% endfor %}",
                        "{% for i in range(99999) %}{{ s == t }}{% endfor %}",
                        "{% for i in range(99999) %}{{ s < t }}{% endfor %}",
                        "{% for i in range(99999) %}{{ 'zz' in s }}{% endfor %}",
                        "{% for i in range(99999) %}{{ s.find('zz') }}{% endfor %}",
                        "{{ ([s] * 99999)|map(attribute=0)|list|length }}",
                        "{{ ([s] * 99999)|sort|length }}");
        Map<String, Object> variables = Map.of("s", big, "t", big.substring(0, big.length()) + "");
        for (String source : sources) {
            BatonException refused =
                    assertTimeoutPreemptively(
                            Duration.ofSeconds(30),
                            () ->
                                    assertThrows(
                                            BatonException.class,
                                            () -> Rendering.render(source, variables),
                                            source));
            assertTrue(refused.text().contains("steps"), refused::text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "not ", "-", "{1:", "a[", "f(", "a|f("})
    void deepSourcesAreRefused(String opener) {
        String source = "{{ " + opener.repeat(10_000);
        BatonException refused =
                assertThrows(BatonException.class, () -> Rendering.render(source, NOTHING));
        assertEquals(ErrorCode.MODEL_FILE_INVALID, refused.code());
    }

    @Test
    void deepBlocksAndLongChainsAreRefused() {
        assertEquals(ErrorCode.MODEL_FILE_INVALID, failure("{% if 1 %}".repeat(10_000)).code());
        for (String link : List.of(" + 1", ".a", "|string", "[0]", " and 1", "()", "**1")) {
            assertEquals(
                    ErrorCode.INVALID_REQUEST,
                    failure("{{ x" + link.repeat(10_000) + " }}").code(),
                    link);
        }
        String many = "{% if x %}" + "{% elif x %}".repeat(5_000) + "{% endif %}";
        assertEquals("", Rendering.render(many, NOTHING).text());
    }

    @Test
    void oneLongLineOfTagsIsReadInTime() {
        String source = " {%+ if 1 %} {% endif %}".repeat(20_000);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> Rendering.render(source, NOTHING));
    }

    @Test
    void theDeepestEvaluationFitsIntoASmallStack() throws InterruptedException {
        String nested = "(".repeat(60) + "m(x)" + ")".repeat(60);
        String source =
                "{% macro m(x) %}{% for i in [1] %}{% if true %}{% set y %}{{ [[x ~ "
                        + nested
                        + "]] }}{% endset %}{{ y }}{% endif %}{% endfor %}{% endmacro %}{{ m(1) }}";
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread thread =
                new Thread(
                        null,
                        () -> {
                            try {
                                Rendering.render(source, NOTHING);
                            } catch (Throwable e) {
                                thrown.set(e);
                            }
                        },
                        "small stack",
                        512 << 10);
        thread.start();
        thread.join(Duration.ofSeconds(20));
        assertTrue(thrown.get() instanceof BatonException, () -> "got " + thrown.get());
    }

    @Test
    void sourcesAreBounded() {
        BatonException refused = failure("x".repeat((1 << 20) + 1));
        assertEquals(ErrorCode.MODEL_FILE_INVALID, refused.code());
        assertTrue(refused.text().contains("1048576"), refused::text);
    }

    @Test
    void userTextIsNeverTemplateCode() {
        String text = "{{ 7*7 }}{% raw %}{# x #}";
        assertEquals(text, Rendering.render("{{ s }}", Map.of("s", text)).text());
    }

    private static BatonException failure(String source) {
        return assertThrows(BatonException.class, () -> Rendering.render(source, NOTHING), source);
    }
}
