package io.baton.common.config;

import static io.baton.common.config.SettingType.decimal;
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
                                    oneOf("auto", "reference", "c", "vector"),
                                    "auto",
                                    "Who computes: the fastest that works here, the plain Java"
                                            + " reference, the C library, or Java's Vector API.")
                            .withFlag("--kernels"));
    public static final Setting<String> KERNELS_ACTIVATIONS =
            GROUP.add(
                    Setting.of(
                                    "kernels.activations",
                                    oneOf("13bit", "8bit"),
                                    "13bit",
                                    "What activations are rounded to before they meet quantised"
                                            + " weights: 13bit stays near float32, 8bit is faster"
                                            + " and as coarse as llama.cpp. Workers that share KV"
                                            + " need the same.")
                            .withFlag("--activations"));
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
    public static final Setting<Integer> PATIENCE_TOKENS =
            GROUP.add(
                    Setting.of(
                            "engine.patience-tokens",
                            integer(16, 1 << 30),
                            "16384",
                            "A priority that waits is passed over for so many computed tokens; then"
                                    + " one of its requests goes before all others."));
    public static final Setting<Double> DECODE_STRETCH =
            GROUP.add(
                    Setting.of(
                            "engine.decode-stretch",
                            decimal(1.7, 1000),
                            "2.4",
                            "A step with prompts in it takes about so many times what its"
                                    + " generating sequences alone take: less keeps streams smooth,"
                                    + " more lets long prompts through faster."));
    public static final Setting<Integer> SPECULATIVE_TOKENS =
            GROUP.add(
                    Setting.of(
                            "engine.speculative-tokens",
                            integer(0, 64),
                            "0",
                            "Tokens that are guessed at most from what the text has said before,"
                                    + " and verified in one step; 0 for none. Answers do not depend"
                                    + " on it."));

    private EngineSettings() {}
}
