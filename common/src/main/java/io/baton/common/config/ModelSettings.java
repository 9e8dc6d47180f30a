package io.baton.common.config;

import static io.baton.common.config.SettingType.bool;
import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.list;
import static io.baton.common.config.SettingType.optionalText;
import static io.baton.common.config.SettingType.text;

import java.util.List;
import java.util.Optional;

/** Which model is served, and how clients see it. */
public final class ModelSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<String> NAME =
            GROUP.add(
                    Setting.of(
                                    "model.name",
                                    text(),
                                    "smollm2-135m",
                                    "Model to serve: a catalogue name, a GGUF file, a folder with"
                                            + " one, a checkpoint folder (safetensors), or a hub id"
                                            + " OWNER/REPO[:FILE.gguf].")
                            .withFlag("--model")
                            .withEnvironment("BATON_MODEL"));
    public static final Setting<List<String>> SERVED_NAMES =
            GROUP.add(
                    Setting.of(
                                    "model.served-names",
                                    list(),
                                    "",
                                    "Names under which clients ask for the model; empty for the"
                                            + " catalogue name or the file's name.")
                            .withFlag("--served-model-name"));
    public static final Setting<Optional<String>> CHAT_TEMPLATE =
            GROUP.add(
                    Setting.of(
                                    "model.chat-template",
                                    optionalText(),
                                    "",
                                    "Chat template to use instead of the model's own: a name such"
                                            + " as plain-turn, or a Jinja file.")
                            .withFlag("--chat-template"));
    public static final Setting<Integer> MAX_LEN =
            GROUP.add(
                    Setting.of(
                                    "model.max-len",
                                    integer(0, 1 << 24),
                                    "0",
                                    "Longest prompt and answer together, in tokens; 0 for the"
                                            + " model's own context length.")
                            .withFlag("--max-model-len"));
    public static final Setting<Boolean> DEMO =
            GROUP.add(
                    Setting.of(
                                    "model.demo",
                                    bool(),
                                    "false",
                                    "Serve a tiny generated model that needs no download; its"
                                            + " answers mean nothing.")
                            .withFlag("--demo")
                            .withEnvironment("BATON_DEMO"));

    private ModelSettings() {}
}
