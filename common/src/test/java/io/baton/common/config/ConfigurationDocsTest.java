package io.baton.common.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ConfigurationDocsTest {
    /** With {@code -Dbaton.docs.update} the page is written anew instead of compared. */
    @Test
    void thePageIsCurrent() throws IOException {
        Path page = Path.of(System.getProperty("baton.root", ".."), "docs", "configuration.md");
        if (System.getProperty("baton.docs.update") != null) {
            Files.writeString(page, ConfigurationDocs.markdown());
        }
        assertEquals(
                ConfigurationDocs.markdown(),
                Files.readString(page),
                "docs/configuration.md is behind the table of settings; run: mvn -pl common test"
                        + " -Dtest=ConfigurationDocsTest -Dbaton.docs.update");
    }

    @Test
    void theSchemaKnowsEveryKeyAndNoOther() {
        JsonNode schema = JsonMapper.shared().readTree(ConfigurationDocs.schema());
        for (Setting<?> setting : Settings.all()) {
            JsonNode at = schema;
            for (String part : setting.key().split("\\.")) {
                assertFalse(at.path("additionalProperties").asBoolean(true));
                at = at.path("properties").path(part);
            }
            assertTrue(at.has("description"), setting.key());
            assertTrue(at.has("type"), setting.key());
        }
        assertEquals(8000, schema.at("/properties/http/properties/port/default").asInt());
    }
}
