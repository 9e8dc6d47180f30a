package io.baton.common.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The table of all settings. Each is defined once, in the class of its subject; from here come the
 * typed values, flags, environment names, documentation and schema. A key exists if and only if its
 * group stands here.
 */
public final class Settings {
    private static final List<Setting<?>> TABLE =
            table(
                    ModelSettings.GROUP,
                    EngineSettings.GROUP,
                    KvSettings.GROUP,
                    HttpSettings.GROUP,
                    AccessSettings.GROUP,
                    ClusterSettings.GROUP,
                    RouteSettings.GROUP,
                    DiagnosticSettings.GROUP);

    private Settings() {}

    /** All settings, grouped by the first part of the key. */
    public static List<Setting<?>> all() {
        return TABLE;
    }

    /** The setting with this key. */
    public static Optional<Setting<?>> find(String key) {
        return TABLE.stream().<Setting<?>>map(s -> s).filter(s -> s.key().equals(key)).findFirst();
    }

    private static List<Setting<?>> table(SettingGroup... groups) {
        List<Setting<?>> table = new ArrayList<>();
        for (SettingGroup group : groups) {
            for (Setting<?> setting : group.settings()) {
                requireNoClash(table, setting);
                table.add(setting);
            }
        }
        return List.copyOf(table);
    }

    private static void requireNoClash(List<Setting<?>> table, Setting<?> setting) {
        for (Setting<?> other : table) {
            if (other.key().equals(setting.key())
                    || other.environment().equals(setting.environment())
                    || other.flag().isPresent() && other.flag().equals(setting.flag())) {
                throw new IllegalStateException(setting + " clashes with " + other);
            }
        }
    }
}
