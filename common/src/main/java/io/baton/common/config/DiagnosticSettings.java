package io.baton.common.config;

import static io.baton.common.config.SettingType.bool;
import static io.baton.common.config.SettingType.oneOf;

/** What a process tells about itself. */
public final class DiagnosticSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<Boolean> DEBUG_LOGITS =
            GROUP.add(
                    Setting.of(
                                    "debug.logits",
                                    bool(),
                                    "false",
                                    "Whether the ledger carries a SHA-256 of each step's logits.")
                            .withFlag("--debug-logits"));
    public static final Setting<String> LOG_FORMAT =
            GROUP.add(
                    Setting.of(
                                    "log.format",
                                    oneOf("text", "json"),
                                    "text",
                                    "Form of the log on stderr.")
                            .withFlag("--log-format"));
    public static final Setting<String> LOG_LEVEL =
            GROUP.add(
                    Setting.of(
                                    "log.level",
                                    oneOf("error", "warn", "info", "debug", "trace"),
                                    "info",
                                    "How much is logged.")
                            .withFlag("--log-level"));

    private DiagnosticSettings() {}
}
