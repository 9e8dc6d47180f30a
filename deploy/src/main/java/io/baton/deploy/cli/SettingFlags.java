package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.config.Setting;
import io.baton.common.config.Settings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * Turns the table of settings into command-line flags, so that a key is defined once. Every command
 * that reads the configuration takes all flags, {@code --config FILE} and {@code --set KEY=VALUE}.
 */
final class SettingFlags {
    private static final String CONFIG = "--config";
    private static final String CONFIG_VARIABLE = "BATON_CONFIG";
    private static final String SET = "--set";

    private SettingFlags() {}

    /** Adds the flags to a command. */
    static void addTo(CommandSpec spec) {
        if (!spec.optionsMap().containsKey("--help")) {
            spec.addOption(
                    OptionSpec.builder("-h", "--help")
                            .usageHelp(true)
                            .description("Show this help and exit.")
                            .build());
        }
        spec.addOption(
                OptionSpec.builder(CONFIG)
                        .type(Path.class)
                        .paramLabel("FILE")
                        .description(
                                "YAML file with settings, see docs/configuration.md (env: BATON_CONFIG).")
                        .build());
        spec.addOption(
                OptionSpec.builder(SET)
                        .type(Map.class)
                        .auxiliaryTypes(String.class, String.class)
                        .paramLabel("KEY=VALUE")
                        .description("Any setting by its key; may be given several times.")
                        .build());
        for (Setting<?> setting : Settings.all()) {
            setting.flag().ifPresent(flag -> spec.addOption(option(setting, flag)));
        }
    }

    private static OptionSpec option(Setting<?> setting, String flag) {
        boolean isSwitch = setting.defaultValue() instanceof Boolean;
        // A per cent sign starts a format specifier in picocli's help texts.
        String text =
                "%s (env: %s; default: %s)"
                        .formatted(
                                setting.description(),
                                setting.environment(),
                                setting.defaultText().isEmpty() ? "none" : setting.defaultText())
                        .replace("%", "%%");
        OptionSpec.Builder builder = OptionSpec.builder(flag).type(String.class).description(text);
        if (isSwitch) {
            builder.arity("0..1").fallbackValue("true").paramLabel("true|false");
        } else {
            builder.paramLabel(
                    flag.substring(flag.lastIndexOf('-') + 1).toUpperCase(java.util.Locale.ROOT));
        }
        return builder.build();
    }

    /** What was given on the command line, by key. */
    static Map<String, String> given(ParseResult parsed) {
        Map<String, String> given = new LinkedHashMap<>();
        Map<String, String> set = parsed.matchedOptionValue(SET, Map.of());
        given.putAll(set);
        for (Setting<?> setting : Settings.all()) {
            setting.flag()
                    .filter(parsed::hasMatchedOption)
                    .ifPresent(
                            flag -> given.put(setting.key(), parsed.matchedOptionValue(flag, "")));
        }
        return given;
    }

    /** The configuration that a command runs with. */
    static Configuration load(ParseResult parsed, Map<String, String> more) {
        String byVariable = System.getenv(CONFIG_VARIABLE);
        @Nullable Path file =
                parsed.matchedOptionValue(CONFIG, byVariable == null ? null : Path.of(byVariable));
        Map<String, String> given = given(parsed);
        given.putAll(more);
        return Configuration.load(file, System.getenv(), given);
    }

    /**
     * The configuration as environment variables, for a child process: what differs from the
     * defaults.
     */
    static Map<String, String> environment(Configuration configuration) {
        Map<String, String> variables = new LinkedHashMap<>();
        for (Setting<?> setting : Settings.all()) {
            variables.putAll(variable(configuration, setting));
        }
        return variables;
    }

    private static <T> Map<String, String> variable(
            Configuration configuration, Setting<T> setting) {
        String text = setting.type().format(configuration.get(setting));
        return text.equals(setting.defaultText())
                        && configuration.origin(setting)
                                instanceof io.baton.common.config.Origin.Default
                ? Map.of()
                : Map.of(setting.environment(), text);
    }
}
