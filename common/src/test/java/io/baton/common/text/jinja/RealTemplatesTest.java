package io.baton.common.text.jinja;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Real templates against the texts that {@code bench/oracle/chat_templates.py} wrote with jinja2:
 * byte-equal where jinja2 renders, a clear error where it raises. Runs where {@code
 * baton.templates.dir} and {@code baton.templates.expected} are given.
 */
@EnabledIfSystemProperty(
        named = "baton.templates.expected",
        matches = ".+",
        disabledReason = "no baton.templates.dir and baton.templates.expected given")
class RealTemplatesTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Map<String, JinjaTemplate> parsed = new HashMap<>();
    private final List<String> different = new ArrayList<>();
    private final List<String> unraised = new ArrayList<>();
    private int rendered;
    private int raised;

    @Test
    void everyPairIsAsInTheReference() throws IOException {
        Path directory = Path.of(System.getProperty("baton.templates.dir"));
        JsonNode expected =
                JSON.readTree(Path.of(System.getProperty("baton.templates.expected")).toFile());
        Clock clock =
                Clock.fixed(
                        LocalDateTime.parse(expected.get("now").stringValue())
                                .toInstant(ZoneOffset.UTC),
                        ZoneOffset.UTC);
        for (JsonNode pair : expected.get("pairs")) {
            String file = pair.get("template").stringValue();
            JsonNode context = expected.get("contexts").get(pair.get("case").stringValue());
            String source = Files.readString(directory.resolve(file));
            compare(pair, source, variables(context), clock);
        }
        System.out.printf(
                "%d pairs that the reference renders, %d differ; %d that it refuses, %d render"
                        + " here%n",
                rendered, different.size(), raised, unraised.size());
        different.forEach(System.out::println);
        unraised.forEach(System.out::println);
        if (Boolean.getBoolean("baton.templates.time")) {
            time(expected, clock);
        }
        assertAll(
                () -> assertTrue(rendered > 0),
                () -> assertEquals(List.of(), different),
                () -> assertEquals(List.of(), unraised));
    }

    /** Prints roughly what a warm render takes (best of 20), its input's conversion included. */
    private void time(JsonNode expected, Clock clock) {
        Map<String, Map<?, ?>> contexts = new HashMap<>();
        expected.get("contexts")
                .forEachEntry(
                        (name, context) ->
                                contexts.put(name, JSON.treeToValue(context, Map.class)));
        List<Double> micros = new ArrayList<>();
        for (JsonNode pair : expected.get("pairs")) {
            if (pair.has("error")) {
                continue;
            }
            JinjaTemplate template =
                    Objects.requireNonNull(parsed.get(pair.get("template").stringValue()));
            Map<?, ?> context =
                    Objects.requireNonNull(contexts.get(pair.get("case").stringValue()));
            long best = Long.MAX_VALUE;
            for (int round = 0; round < 20; round++) {
                long start = System.nanoTime();
                template.render(Rendering.untrusted(context), clock);
                best = Math.min(best, System.nanoTime() - start);
            }
            micros.add(best / 1e3);
        }
        micros.sort(null);
        System.out.printf(
                "a warm render: mean %.0f us, median %.0f us%n",
                micros.stream().mapToDouble(Double::doubleValue).average().orElseThrow(),
                micros.get(micros.size() / 2));
    }

    private static Map<String, TemplateValue> variables(JsonNode context) {
        return Rendering.untrusted(JSON.treeToValue(context, Map.class));
    }

    private void compare(
            JsonNode pair, String source, Map<String, TemplateValue> variables, Clock clock) {
        String name = pair.get("template").stringValue() + " " + pair.get("case").stringValue();
        String actual;
        boolean failed = false;
        try {
            actual =
                    parsed.computeIfAbsent(
                                    pair.get("template").stringValue(),
                                    file -> JinjaTemplate.parse(source, Limits.DEFAULT))
                            .render(variables, clock)
                            .text();
        } catch (BatonException e) {
            actual = e.text();
            failed = true;
        }
        if (pair.has("error")) {
            raised++;
            if (!failed) {
                unraised.add(name + ": " + pair.get("error").stringValue());
            } else if (Boolean.getBoolean("baton.templates.verbose")) {
                System.out.println(name + "\n  " + pair.get("error") + "\n  " + actual);
            }
            return;
        }
        rendered++;
        String text = pair.get("out").stringValue();
        if (failed || !text.equals(actual)) {
            int at = 0;
            while (at < Math.min(text.length(), actual.length())
                    && text.charAt(at) == actual.charAt(at)) {
                at++;
            }
            different.add(
                    "%s at %d:%n  expected %s%n  actual   %s"
                            .formatted(
                                    name,
                                    at,
                                    JSON.writeValueAsString(part(text, at)),
                                    failed ? actual : JSON.writeValueAsString(part(actual, at))));
        }
    }

    private static String part(String text, int at) {
        return text.substring(Math.max(0, at - 30), Math.min(text.length(), at + 80));
    }
}
