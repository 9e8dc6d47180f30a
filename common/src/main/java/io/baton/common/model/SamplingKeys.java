package io.baton.common.model;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingChoice;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The sampling that a model file recommends: llama.cpp's keys {@code general.sampling.*}, which
 * stand for a checkpoint folder's generation_config.json, too.
 */
public final class SamplingKeys {
    public static final String TEMPERATURE = "general.sampling.temp";
    public static final String TOP_K = "general.sampling.top_k";
    public static final String TOP_P = "general.sampling.top_p";
    public static final String MIN_P = "general.sampling.min_p";
    public static final String REPETITION_PENALTY = "general.sampling.penalty_repeat";

    private SamplingKeys() {}

    /**
     * What a file recommends.
     *
     * @throws BatonException MODEL_FILE_INVALID if a key has the wrong type, or a value that no
     *     request could name
     */
    public static SamplingChoice of(GgufFile file) {
        OptionalLong topK = file.integer(TOP_K);
        // -1 is a common way of saying all.
        require(file, TOP_K, topK.orElse(0), topK.orElse(0) >= -1);
        return new SamplingChoice(
                number(file, TEMPERATURE, 0, SamplingChoice.MAX_TEMPERATURE),
                topK.isEmpty()
                        ? OptionalInt.empty()
                        : OptionalInt.of((int) Math.clamp(topK.getAsLong(), 0, Integer.MAX_VALUE)),
                number(file, TOP_P, Float.MIN_VALUE, 1),
                number(file, MIN_P, 0, 1),
                number(
                        file,
                        REPETITION_PENALTY,
                        Float.MIN_VALUE,
                        SamplingChoice.MAX_REPETITION_PENALTY));
    }

    private static OptionalDouble number(GgufFile file, String key, double low, double high) {
        OptionalDouble value = file.number(key);
        value.ifPresent(given -> require(file, key, given, given >= low && given <= high));
        return value;
    }

    private static void require(GgufFile file, String key, double value, boolean holds) {
        if (!holds) {
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "%s recommends %s = %s, which no request may ask for; correct the model's generation_config.json or set http.generation-config to none"
                            .formatted(file.source(), key, value));
        }
    }
}
