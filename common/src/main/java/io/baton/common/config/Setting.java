package io.baton.common.config;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The one definition of a configuration key.
 *
 * @param key such as {@code http.port}
 * @param type how its text is read and what is allowed
 * @param defaultText the default, in the same spelling as in a file
 * @param environment name of its environment variable
 * @param flag its command-line flag such as {@code --port}, if it has one
 * @param description one or two sentences for help and docs
 * @param secret whether its value is never printed, and {@code @path} reads it from a file
 * @param <T> type of the value
 */
public record Setting<T>(
        String key,
        SettingType<T> type,
        String defaultText,
        String environment,
        Optional<String> flag,
        String description,
        boolean secret) {
    private static final Pattern KEY = Pattern.compile("[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)+");

    public Setting {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException("not a key: " + key);
        }
        type.parse(defaultText);
    }

    static <T> Setting<T> of(String key, SettingType<T> type, String defaultText, String text) {
        String environment =
                "BATON_" + key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
        return new Setting<>(key, type, defaultText, environment, Optional.empty(), text, false);
    }

    Setting<T> withFlag(String newFlag) {
        return new Setting<>(
                key, type, defaultText, environment, Optional.of(newFlag), description, secret);
    }

    Setting<T> withEnvironment(String name) {
        return new Setting<>(key, type, defaultText, name, flag, description, secret);
    }

    Setting<T> asSecret() {
        return new Setting<>(key, type, defaultText, environment, flag, description, true);
    }

    /** The default as a value. */
    public T defaultValue() {
        return type.parse(defaultText);
    }

    @Override
    public String toString() {
        return key;
    }
}
