package io.baton.common.config;

import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.oneOf;

/** Who computes, on how much at a time. */
public final class EngineSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<Integer> KERNELS_THREADS =
            GROUP.add(
                    Setting.of(
                                    "kernels.threads",
                                    integer(0, 1024),
                                    "0",
                                    "Threads that compute; 0 for all processors.")
                            .withFlag("--threads"));
    public static final Setting<String> KERNELS_PROVIDER =
            GROUP.add(
                    Setting.of(
                                    "kernels.provider",
                                    oneOf("auto", "reference", "c"),
                                    "auto",
                                    "Who computes: the fastest that works here, the plain Java"
                                            + " reference, or the C library.")
                            .withFlag("--kernels"));
    public static final Setting<Integer> MAX_NUM_SEQS =
            GROUP.add(
                    Setting.of(
                                    "engine.max-num-seqs",
                                    integer(1, 4096),
                                    "64",
                                    "Sequences that one worker computes at a time.")
                            .withFlag("--max-num-seqs"));
    public static final Setting<Integer> MAX_STEP_TOKENS =
            GROUP.add(
                    Setting.of(
                                    "engine.max-step-tokens",
                                    integer(16, 65_536),
                                    "512",
                                    "Tokens of one step at most: longer prompts are prefilled in"
                                            + " pieces.")
                            .withFlag("--max-num-batched-tokens"));
    public static final Setting<Integer> MAX_WAITING =
            GROUP.add(
                    Setting.of(
                            "engine.max-waiting",
                            integer(0, 65_536),
                            "256",
                            "Requests that wait at one worker; one more is refused."));

    private EngineSettings() {}
}
