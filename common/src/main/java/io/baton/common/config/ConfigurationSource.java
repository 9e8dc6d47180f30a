package io.baton.common.config;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Texts by setting from a file, the environment and the command line. */
final class ConfigurationSource {
    /** A value not yet parsed. */
    record Text(String text, Origin origin) {}

    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final int MAX_DEPTH = 8;
    private static final String PREFIX = "BATON_";

    /** Variables that are read elsewhere, before there is a configuration. */
    private static final Set<String> RESERVED =
            Set.of(
                    "BATON_HOME",
                    "BATON_CONFIG",
                    "BATON_JAVA_HOME",
                    "BATON_JAVA_OPTS",
                    "BATON_HEAP",
                    "BATON_AOT_CACHE",
                    "BATON_LAUNCHER",
                    "BATON_PARENT_PID",
                    "BATON_STACKTRACES",
                    "BATON_KERNELS_LEVEL");

    /**
     * What Kubernetes sets in a pod for each Service, here for one whose name begins with baton.
     */
    private static final Pattern SERVICE_LINK =
            Pattern.compile("BATON_.*_(SERVICE_(HOST|PORT.*)|PORT_\\d+_(TCP|UDP).*)");

    private ConfigurationSource() {}

    static Map<Setting<?>, Text> file(Path file) {
        Origin origin = new Origin.File(file.toString());
        JsonNode root = read(file);
        Map<Setting<?>, Text> texts = new LinkedHashMap<>();
        if (root.isNull() || root.isMissingNode()) {
            return texts;
        }
        if (!root.isObject()) {
            throw badFile(file, "keys and values are wanted at the top", null);
        }
        Map<String, String> flat = new LinkedHashMap<>();
        flatten("", root, flat, 0, file);
        flat.forEach((key, text) -> texts.put(known(key, origin), new Text(text, origin)));
        return texts;
    }

    static Map<Setting<?>, Text> environment(Map<String, String> environment) {
        Map<Setting<?>, Text> texts = new LinkedHashMap<>();
        new TreeMap<>(environment)
                .forEach(
                        (name, value) -> {
                            if (name.startsWith(PREFIX) && !isForeign(name, value)) {
                                Setting<?> setting = byEnvironment(name);
                                texts.put(setting, new Text(value, new Origin.Environment(name)));
                            }
                        });
        return texts;
    }

    static Map<Setting<?>, Text> commandLine(Map<String, String> commandLine) {
        Map<Setting<?>, Text> texts = new LinkedHashMap<>();
        commandLine.forEach(
                (key, text) -> {
                    Setting<?> setting = known(key, new Origin.CommandLine(key));
                    String flag = setting.flag().orElse("-D" + key);
                    texts.put(setting, new Text(text, new Origin.CommandLine(flag)));
                });
        return texts;
    }

    private static boolean isForeign(String name, String value) {
        return RESERVED.contains(name)
                || SERVICE_LINK.matcher(name).matches()
                || name.endsWith("_PORT") && value.contains("://");
    }

    private static Setting<?> byEnvironment(String name) {
        for (Setting<?> setting : Settings.all()) {
            if (setting.environment().equals(name)) {
                return setting;
            }
        }
        List<String> names = Settings.all().stream().map(s -> s.environment()).toList();
        throw new BatonException(
                ErrorCode.CONFIGURATION,
                "the environment variable %s is not known; %s. Unset it, or see docs/configuration.md."
                        .formatted(name, NearestName.hint(name, names)),
                name);
    }

    private static Setting<?> known(String key, Origin origin) {
        Optional<Setting<?>> setting = Settings.find(key);
        if (setting.isEmpty()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the key %s (%s) is not known; %s. See docs/configuration.md."
                            .formatted(key, origin, NearestName.hint(key, Configuration.keys())),
                    key);
        }
        return setting.get();
    }

    private static JsonNode read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
            if (bytes.length > MAX_FILE_BYTES) {
                throw badFile(file, "it has more than 1 MiB", null);
            }
            return YAMLMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build()
                    .readTree(bytes);
        } catch (IOException e) {
            throw badFile(file, e.toString(), e);
        } catch (JacksonException e) {
            throw badFile(
                    file, e.getOriginalMessage() + " " + e.getLocation().offsetDescription(), e);
        }
    }

    private static void flatten(
            String prefix, JsonNode node, Map<String, String> flat, int depth, Path file) {
        if (depth > MAX_DEPTH) {
            throw badFile(file, "keys are nested more than 8 deep", null);
        }
        for (Map.Entry<String, JsonNode> property : node.properties()) {
            String key = prefix + property.getKey();
            JsonNode value = property.getValue();
            if (value.isObject()) {
                flatten(key + ".", value, flat, depth + 1, file);
            } else if (flat.put(key, scalar(key, value, file)) != null) {
                throw badFile(file, "the key " + key + " occurs twice", null);
            }
        }
    }

    private static String scalar(String key, JsonNode value, Path file) {
        if (value.isNull()) {
            return "";
        }
        if (!value.isArray()) {
            return value.asString();
        }
        StringBuilder list = new StringBuilder();
        for (JsonNode item : value) {
            if (item.isContainer() || item.asString().contains(",")) {
                throw badFile(file, "the list " + key + " holds more than plain texts", null);
            }
            list.append(list.isEmpty() ? "" : ",").append(item.asString());
        }
        return list.toString();
    }

    private static BatonException badFile(Path file, String why, @Nullable Throwable cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "the configuration file %s cannot be used: %s.".formatted(file, why),
                null,
                cause);
    }
}
