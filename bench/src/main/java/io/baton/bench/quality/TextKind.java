package io.baton.bench.quality;

import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * A kind of text and the file that has it: plain text, or JSON (a list, or a record a line), of
 * which all strings are taken in their order; gzip where the name ends so.
 */
record TextKind(String name, Path file) {
    private static final int BYTES_PER_TOKEN = 2;

    /** Kinds written {@code name=path,name=path}. */
    static List<TextKind> parse(String option) {
        List<TextKind> kinds = new ArrayList<>();
        for (String one : option.split(",")) {
            int equals = one.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(
                        "texts are written name=path,name=path: " + option);
            }
            kinds.add(new TextKind(one.substring(0, equals), Path.of(one.substring(equals + 1))));
        }
        return kinds;
    }

    /** The first texts of so many tokens; records are joined until they have them. */
    List<int[]> texts(Tokenizer tokenizer, int tokens, int count) throws IOException {
        List<int[]> texts = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (String record : records()) {
            for (int from = 0; from < record.length() && texts.size() < count; ) {
                int to = Math.min(record.length(), from + BYTES_PER_TOKEN * tokens);
                text.append(record, from, to);
                from = to;
                if (text.length() < BYTES_PER_TOKEN * tokens) {
                    continue;
                }
                int[] ids = tokenizer.encode(PromptText.trusted(text.toString()), true);
                if (ids.length >= tokens) {
                    texts.add(Arrays.copyOf(ids, tokens));
                    text.setLength(0);
                }
            }
        }
        return texts;
    }

    private List<String> records() throws IOException {
        String path = file.getFileName().toString();
        boolean zipped = path.endsWith(".gz");
        String plain = zipped ? path.substring(0, path.length() - 3) : path;
        String content;
        try (InputStream raw = Files.newInputStream(file);
                InputStream in = zipped ? new GZIPInputStream(raw) : raw) {
            content = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<String> records = new ArrayList<>();
        ObjectMapper json = new ObjectMapper();
        if (plain.endsWith(".jsonl")) {
            content.lines()
                    .filter(line -> !line.isBlank())
                    .forEach(line -> records.add(strings(json.readTree(line))));
        } else if (plain.endsWith(".json")) {
            json.readTree(content).forEach(node -> records.add(strings(node)));
        } else {
            records.add(content);
        }
        return records;
    }

    private static String strings(JsonNode node) {
        if (node.isString()) {
            return node.asString() + "\n";
        }
        StringBuilder all = new StringBuilder();
        node.forEach(child -> all.append(strings(child)));
        return all.toString();
    }
}
