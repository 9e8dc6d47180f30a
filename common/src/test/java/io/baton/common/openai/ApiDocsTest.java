package io.baton.common.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** docs/api.md holds the table of {@link RequestFields}; run with -Dbaton.docs.update to renew. */
class ApiDocsTest {
    private static final String BEGIN = "<!-- request fields: generated -->\n";
    private static final String END = "<!-- end of request fields -->";

    @Test
    void theTableInTheDocumentationIsCurrent() throws IOException {
        Path file = Path.of(System.getProperty("baton.root"), "docs", "api.md");
        String text = Files.readString(file);
        int from = text.indexOf(BEGIN) + BEGIN.length();
        int to = text.indexOf(END);
        String table = RequestFields.toMarkdown();
        if (System.getProperty("baton.docs.update") != null) {
            Files.writeString(file, text.substring(0, from) + table + text.substring(to));
            return;
        }
        assertEquals(table, text.substring(from, to));
    }
}
