package io.baton.common.config;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The value of every setting and where it comes from. Read once at start; immutable.
 *
 * <p>Strongest first: command line, environment, file, default. A key, variable or value that is
 * not in the table is a {@link BatonException} CONFIGURATION, and so is a combination that cannot
 * work.
 */
public final class Configuration {
    private record Entry(Object value, Origin origin) {}

    private final Map<Setting<?>, Entry> entries;

    private Configuration(Map<Setting<?>, Entry> entries) {
        this.entries = entries;
    }

    /**
     * Reads everything.
     *
     * @param file a YAML file with nested or dotted keys, null for none
     * @param environment all variables; those that start with {@code BATON_} count
     * @param commandLine texts by key (not by flag), as given on the command line
     */
    public static Configuration load(
            @Nullable Path file, Map<String, String> environment, Map<String, String> commandLine) {
        Map<Setting<?>, ConfigurationSource.Text> texts = new LinkedHashMap<>();
        if (file != null) {
            texts.putAll(ConfigurationSource.file(file));
        }
        texts.putAll(ConfigurationSource.environment(environment));
        texts.putAll(ConfigurationSource.commandLine(commandLine));
        Map<Setting<?>, Entry> entries = new LinkedHashMap<>();
        for (Setting<?> setting : Settings.all()) {
            entries.put(setting, entry(setting, texts.get(setting)));
        }
        Configuration configuration = new Configuration(entries);
        CrossChecks.check(configuration);
        return configuration;
    }

    /** Defaults but for these texts by key: for tests and for code that starts roles itself. */
    public static Configuration of(Map<String, String> texts) {
        return load(null, Map.of(), texts);
    }

    /** The same configuration with some settings fixed by the program itself, as texts by key. */
    public Configuration with(Map<String, String> texts) {
        Map<Setting<?>, Entry> changed = new LinkedHashMap<>(entries);
        ConfigurationSource.commandLine(texts)
                .forEach((setting, text) -> changed.put(setting, entry(setting, text)));
        Configuration configuration = new Configuration(changed);
        CrossChecks.check(configuration);
        return configuration;
    }

    /** The value of a setting. */
    @SuppressWarnings("unchecked") // entry() put a value of the setting's own type there
    public <T> T get(Setting<T> setting) {
        return (T) find(setting).value();
    }

    /** Where the value of a setting comes from. */
    public Origin origin(Setting<?> setting) {
        return find(setting).origin();
    }

    /** The value as text, a secret as {@code ********}. */
    public <T> String text(Setting<T> setting) {
        String text = setting.type().format(get(setting));
        return setting.secret() && !text.isEmpty() ? "********" : text;
    }

    /** All settings as YAML with dotted keys, one a line; secrets hidden. */
    public String print(boolean withOrigin) {
        StringBuilder out = new StringBuilder();
        for (Setting<?> setting : Settings.all()) {
            String line = setting.key() + ": " + yaml(text(setting));
            out.append(withOrigin ? "%-44s # %s".formatted(line, origin(setting)) : line);
            out.append('\n');
        }
        return out.toString();
    }

    private Entry find(Setting<?> setting) {
        Entry entry = entries.get(setting);
        if (entry == null) {
            throw new IllegalArgumentException(setting + " is not in the table of settings");
        }
        return entry;
    }

    private static <T> Entry entry(Setting<T> setting, ConfigurationSource.@Nullable Text given) {
        if (given == null) {
            return new Entry(setting.defaultValue(), new Origin.Default());
        }
        String text = setting.secret() ? Secrets.resolve(setting, given.text()) : given.text();
        try {
            return new Entry(setting.type().parse(text), given.origin());
        } catch (IllegalArgumentException e) {
            String shown = setting.secret() ? "********" : text;
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "%s is '%s' (%s): %s is wanted."
                            .formatted(
                                    setting.key(), shown, given.origin(), setting.type().label()),
                    setting.key(),
                    e);
        }
    }

    private static String yaml(String text) {
        boolean plain = text.matches("[A-Za-z0-9/][A-Za-z0-9._/+-]*");
        return plain ? text : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    /** The keys of the table, for messages. */
    static List<String> keys() {
        return Settings.all().stream().map(setting -> setting.key()).toList();
    }
}
