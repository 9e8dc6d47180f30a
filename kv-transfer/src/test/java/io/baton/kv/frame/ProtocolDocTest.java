package io.baton.kv.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/protocol.md says what the code does. */
final class ProtocolDocTest {
    private static final Pattern FIELD =
            Pattern.compile("\\| (\\d+) \\| (\\d+) \\| [^|]+ \\| `(\\w+)` \\|.*");
    private static final Pattern TYPE =
            Pattern.compile("\\| (\\d+) \\| ([A-Z_]+) \\| [^|]+ \\| [^|]+ \\| (\\d+) \\|");

    @Test
    void headerTableIsTheCodes() throws Exception {
        Map<String, Integer> documented = new TreeMap<>();
        int next = 0;
        for (String line : lines()) {
            Matcher matcher = FIELD.matcher(line);
            if (matcher.matches()) {
                int offset = Integer.parseInt(matcher.group(1));
                assertEquals(next, offset, "no gap and no overlap before " + matcher.group(3));
                next = offset + Integer.parseInt(matcher.group(2));
                documented.put(matcher.group(3), offset);
            }
        }
        assertEquals(FrameHeader.BYTES, next);
        Map<String, Integer> coded = new TreeMap<>();
        for (Field field : FrameHeader.class.getDeclaredFields()) {
            if (field.getName().endsWith("_OFFSET")) {
                coded.put(field.getName(), (Integer) field.get(null));
            }
        }
        assertEquals(coded, documented);
    }

    @Test
    void typeTableIsTheCodes() throws Exception {
        List<String> documented = new ArrayList<>();
        for (String line : lines()) {
            Matcher matcher = TYPE.matcher(line);
            if (matcher.matches()) {
                documented.add(matcher.group(1) + matcher.group(2) + matcher.group(3));
            }
        }
        List<String> coded = new ArrayList<>();
        for (FrameType type : FrameType.values()) {
            coded.add(type.id() + type.name() + type.maxPayloadBytes());
        }
        assertEquals(coded, documented);
    }

    private static List<String> lines() throws IOException {
        Path page = Path.of(System.getProperty("baton.root"), "docs", "protocol.md");
        List<String> lines = Files.readAllLines(page);
        assertTrue(lines.size() > 50);
        return lines;
    }
}
