package io.baton.common.text.jinja;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.baton.common.error.BatonException;
import io.baton.common.text.ChatTemplates;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Random changes of templates: each parses and renders, or fails with an error of ours, in bounded
 * time. The seed is fixed; {@code -Dbaton.fuzz.rounds} makes it longer.
 */
class MutationTest {
    private static final long SEED = 20261122;
    private static final Limits SMALL = new Limits(1 << 16, 100, 100_000, 1 << 20, 100_000, 600);
    private static final List<String> WORDS =
            List.of(
                    "{{",
                    "}}",
                    "{%",
                    "%}",
                    "{#",
                    "#}",
                    "-%}",
                    "{%-",
                    "if",
                    "else",
                    "endif",
                    "for",
                    "endfor",
                    "in",
                    "not",
                    "is",
                    "set",
                    "endset",
                    "macro",
                    "endmacro",
                    "loop",
                    "range(9)",
                    "(",
                    ")",
                    "[",
                    "]",
                    "{",
                    "}",
                    "|",
                    ".",
                    ",",
                    ":",
                    "'",
                    "\"",
                    "\\",
                    "~",
                    "+",
                    "-",
                    "*",
                    "/",
                    "%",
                    "**",
                    "==",
                    "<",
                    "none",
                    "true",
                    "0",
                    "-1",
                    "1e308",
                    "99999999999",
                    "d",
                    "l",
                    "s",
                    "u",
                    "|length",
                    "|list",
                    "|sort",
                    "|join",
                    "|tojson",
                    "|string",
                    "|int",
                    "|first",
                    ".items()",
                    "[::-1]",
                    "\uD83D\uDE00",
                    "\n",
                    " ",
                    "break",
                    "continue",
                    "raw",
                    "endraw",
                    "namespace",
                    "call",
                    "endcall",
                    "caller()",
                    "%s",
                    "{}",
                    ".format(",
                    ".split(",
                    "\uD800");

    @Test
    void mutatedTemplatesNeverFailOtherwise() throws IOException {
        List<String> seeds = seeds();
        int rounds = Integer.getInteger("baton.fuzz.rounds", 20_000);
        assertTimeoutPreemptively(
                Duration.ofMillis(60_000 + 10L * rounds), () -> mutateAndRender(seeds, rounds));
    }

    private static void mutateAndRender(List<String> seeds, int rounds) {
        Map<String, Object> variables =
                Map.of(
                        "l", List.of(1, 2.5, "x"),
                        "s", "Hello",
                        "d", Map.of("a", 1, "b", List.of()),
                        "u", "a😀b",
                        "messages", List.of(Map.of("role", "user", "content", "Hi")));
        SplittableRandom random = new SplittableRandom(SEED);
        int rendered = 0;
        for (int round = 0; round < rounds; round++) {
            String source = mutate(seeds.get(random.nextInt(seeds.size())), seeds, random);
            rendered += renders(source, variables) ? 1 : 0;
        }
        int least = rounds / 20;
        int count = rendered;
        assertTrue(count > least, () -> "only " + count + " rendered: no test of rendering");
    }

    private static boolean renders(String source, Map<String, Object> variables) {
        try {
            Rendering.render(source, variables, SMALL);
            return true;
        } catch (BatonException expected) {
            return false;
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            return fail("template: " + source, e);
        }
    }

    private static String mutate(String seed, List<String> seeds, SplittableRandom random) {
        StringBuilder text = new StringBuilder(seed);
        for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
            int at = random.nextInt(text.length() + 1);
            int to = Math.min(text.length(), at + random.nextInt(6));
            switch (random.nextInt(5)) {
                case 0 -> text.insert(at, WORDS.get(random.nextInt(WORDS.size())));
                case 1 -> text.delete(at, to);
                case 2 -> text.replace(at, to, WORDS.get(random.nextInt(WORDS.size())));
                case 3 -> text.insert(at, text.substring(at, to));
                default -> {
                    String other = seeds.get(random.nextInt(seeds.size()));
                    int from = random.nextInt(other.length());
                    int end = Math.min(other.length(), from + random.nextInt(40));
                    text.insert(at, other, from, end);
                }
            }
        }
        return text.toString();
    }

    private static List<String> seeds() throws IOException {
        List<String> seeds = new ArrayList<>();
        try (InputStream file =
                Objects.requireNonNull(
                        MutationTest.class.getResourceAsStream(
                                "/chat-templates/micro-tests.json"))) {
            for (JsonNode test : JsonMapper.builder().build().readTree(file)) {
                seeds.add(test.get("t").stringValue());
            }
        }
        for (String name : List.of("chatml", "plain-turn", "gemma", "llama3")) {
            seeds.add(ChatTemplates.named(name));
        }
        return seeds;
    }
}
