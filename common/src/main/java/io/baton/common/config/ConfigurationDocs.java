package io.baton.common.config;

import java.util.TreeMap;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What is generated from the table of settings: the documentation page and the JSON Schema. */
public final class ConfigurationDocs {
    private ConfigurationDocs() {}

    /** The page docs/configuration.md. */
    public static String markdown() {
        StringBuilder out = new StringBuilder();
        out.append(
                """
                # Configuration

                <!-- Generated from io.baton.common.config.Settings. Do not edit; after a change there run:
                     mvn -pl common test -Dtest=ConfigurationDocsTest -Dbaton.docs.update -->

                Every setting can be given by flag, environment variable or YAML file; the strongest wins in this
                order, then the default. In a file, keys may be nested (`http: {port: 8000}`) or dotted
                (`http.port: 8000`). A name that is not in this table is an error at start, with the nearest one that is.
                Sizes take units (`64KiB`, `2GiB`, `1MB`), durations too (`250ms`, `3s`, `5m`). A secret given as `@PATH`
                is read from that file and never printed. `baton config print --origin` shows every value and where it
                comes from; `baton config schema` prints the JSON Schema.
                """);
        String group = "";
        for (Setting<?> setting : Settings.all()) {
            String next = setting.key().substring(0, setting.key().indexOf('.'));
            if (!next.equals(group)) {
                group = next;
                out.append("\n## ").append(group).append("\n\n");
                out.append("| Key | Default | Values | Environment, flag | Meaning |\n");
                out.append("|---|---|---|---|---|\n");
            }
            out.append(row(setting));
        }
        return out.toString();
    }

    private static String row(Setting<?> setting) {
        return "| `%s` | %s | %s | `%s`%s | %s |\n"
                .formatted(
                        setting.key(),
                        setting.defaultText().isEmpty() ? "" : "`" + setting.defaultText() + "`",
                        setting.type().label() + (setting.secret() ? " (secret)" : ""),
                        setting.environment(),
                        setting.flag().map(flag -> ", `" + flag + "`").orElse(""),
                        setting.description());
    }

    /** The JSON Schema (2020-12) of a configuration file with nested keys. */
    public static String schema() {
        JsonMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
        ObjectNode root = mapper.createObjectNode();
        root.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        root.put("title", "Baton's configuration");
        for (Setting<?> setting : Settings.all()) {
            ObjectNode at = root;
            for (String part : setting.key().split("\\.")) {
                at.put("type", "object").put("additionalProperties", false);
                at = at.withObjectProperty("properties").withObjectProperty(part);
            }
            at.put("description", setting.description());
            at.set("default", mapper.valueToTree(plainDefault(setting)));
            new TreeMap<>(setting.type().schema()).forEach(at::putPOJO);
        }
        return mapper.writeValueAsString(root);
    }

    private static Object plainDefault(Setting<?> setting) {
        Object value = setting.defaultValue();
        return value instanceof Number && !(value instanceof Long) || value instanceof Boolean
                ? value
                : setting.defaultText();
    }
}
