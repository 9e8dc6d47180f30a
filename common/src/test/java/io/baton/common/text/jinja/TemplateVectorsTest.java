package io.baton.common.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Small templates with the texts that jinja2, set up as transformers does it, renders. */
class TemplateVectorsTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Test
    void microTestsRenderAsInJinja2() throws IOException {
        List<String> wrong = new ArrayList<>();
        JsonNode tests = read("micro-tests.json");
        for (JsonNode test : tests) {
            String source = test.get("t").stringValue();
            String expected = test.get("out").stringValue();
            Map<?, ?> context = JSON.treeToValue(test.get("ctx"), Map.class);
            compare(source, context, expected, wrong);
        }
        assertEquals(70, tests.size());
        assertTrue(wrong.isEmpty(), () -> wrong.size() + " differ: " + wrong);
    }

    @Test
    void whiteSpaceIsKeptAndCutAsInJinja2() throws IOException {
        List<String> wrong = new ArrayList<>();
        JsonNode tests = read("whitespace-tests.json.gz");
        for (JsonNode test : tests) {
            Map<String, Object> context =
                    Map.of(
                            "v",
                            "V",
                            "l",
                            List.of(1, 2),
                            "t",
                            true,
                            "c",
                            test.get("c").booleanValue());
            compare(test.get("t").stringValue(), context, test.get("out").stringValue(), wrong);
        }
        assertEquals(3000, tests.size());
        assertTrue(wrong.isEmpty(), () -> wrong.size() + " differ: " + wrong.subList(0, 3));
    }

    /** Made by {@code bench/oracle/jinja_cases.py}. */
    @Test
    void generatedTemplatesRenderOrFailAsInJinja2() throws IOException {
        List<String> wrong = new ArrayList<>();
        JsonNode file = read("generated-tests.json.gz");
        Map<?, ?> context = JSON.treeToValue(file.get("ctx"), Map.class);
        for (JsonNode test : file.get("cases")) {
            String source = test.get("t").stringValue();
            if (test.has("out")) {
                compare(source, context, test.get("out").stringValue(), wrong);
                continue;
            }
            try {
                String text = Rendering.render(source, context).text();
                wrong.add(
                        "%n%s%n  expected %s%n  actual   %s"
                                .formatted(source, test.get("error"), text));
            } catch (BatonException expected) {
                // As in the reference; the messages differ in their words.
            }
        }
        assertEquals(3000, file.get("cases").size());
        assertTrue(wrong.isEmpty(), () -> wrong.size() + " differ: " + wrong);
    }

    private static void compare(
            String source, Map<?, ?> context, String expected, List<String> wrong) {
        String actual;
        try {
            actual = Rendering.render(source, context).text();
        } catch (RuntimeException e) {
            actual = e.toString();
        }
        if (!expected.equals(actual)) {
            wrong.add("%n%s%n  expected %s%n  actual   %s".formatted(source, expected, actual));
        }
    }

    private static JsonNode read(String name) throws IOException {
        try (InputStream file =
                Objects.requireNonNull(
                        TemplateVectorsTest.class.getResourceAsStream("/chat-templates/" + name),
                        name)) {
            return JSON.readTree(name.endsWith(".gz") ? new GZIPInputStream(file) : file);
        }
    }
}
