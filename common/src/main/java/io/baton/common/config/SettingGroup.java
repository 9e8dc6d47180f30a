package io.baton.common.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The settings of one subject in the order of their definition. Filled while its class loads. */
final class SettingGroup {
    private final List<Setting<?>> settings = new ArrayList<>();

    <T> Setting<T> add(Setting<T> setting) {
        settings.add(setting);
        return setting;
    }

    List<Setting<?>> settings() {
        return Collections.unmodifiableList(settings);
    }
}
