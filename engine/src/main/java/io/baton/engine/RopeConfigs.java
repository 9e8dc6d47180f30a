package io.baton.engine;

import static io.baton.engine.ModelKeys.MAX_CONTEXT;
import static io.baton.engine.ModelKeys.MAX_WIDTH;

import io.baton.common.model.ModelFile;
import io.baton.engine.ModelConfig.Rope;
import java.util.Optional;

/** Reads the {@code rope.*} keys of a model file. */
final class RopeConfigs {
    /** The paper's values, which files leave out. */
    private static final double BETA_FAST = 32;

    private static final double BETA_SLOW = 1;

    private final ModelKeys keys;
    private final int headDim;

    RopeConfigs(ModelKeys keys, int headDim) {
        this.keys = keys;
        this.headDim = headDim;
    }

    /** The rotation of layers that see everything. */
    Rope global(double defaultTheta, boolean interleaved) {
        int rotated = keys.optional("rope.dimension_count", MAX_WIDTH).orElse(headDim);
        if (rotated > headDim || rotated % 2 != 0) {
            throw keys.invalid(
                    "%s is %d, an even number up to the head's %d is wanted"
                            .formatted(keys.key("rope.dimension_count"), rotated, headDim));
        }
        // Files converted from checkpoints whose rows were not permuted say so.
        boolean halves =
                keys.file().string(ModelFile.ROPE_PAIRS).orElse("").equals(ModelFile.HALVES);
        return new Rope(
                keys.positive("rope.freq_base", defaultTheta),
                rotated,
                interleaved && !halves,
                scaling());
    }

    private RopeScaling scaling() {
        if (keys.file().tensor("rope_factors_short.weight").isPresent()) {
            return longRope();
        }
        Optional<String> type = keys.file().string(keys.key("rope.scaling.type"));
        double factor =
                keys.number("rope.scaling.factor")
                        .or(() -> keys.number("rope.scale_linear"))
                        .orElse(1.0);
        keys.requirePositive("rope.scaling.factor", (float) factor);
        return switch (type.orElse("")) {
            case "yarn" -> yarn((float) factor);
            case "none" -> plain(1f);
            case "", "linear" -> plain((float) factor);
            case "longrope" -> throw keys.invalid("tensor 'rope_factors_short.weight' is missing");
            default ->
                    throw keys.invalid(
                            "RoPE scaling '%s' is not one that Baton computes: none, linear, yarn, longrope"
                                    .formatted(type.orElse("")));
        };
    }

    private RopeScaling plain(float factor) {
        keys.refuseUnless("rope.scaling.attn_factor", 1, "an attention factor without YaRN");
        return factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
    }

    private RopeScaling longRope() {
        return new RopeScaling.LongRope(
                originalContext(), keys.positive("rope.scaling.attn_factor", 1));
    }

    private RopeScaling yarn(float factor) {
        keys.refuseUnless("rope.scaling.yarn_log_multiplier", 0, "YaRN with a multiplier");
        keys.refuseUnless("rope.scaling.yarn_ext_factor", 1, "YaRN by halves");
        keys.refuseUnless("rope.scaling.yarn_attn_factor", 1, "YaRN with a second factor");
        float attention = keys.positive("rope.scaling.attn_factor", 1);
        // The paper's 1 / sqrt(t), section 3.4.
        double magnitude = factor > 1 ? 1 + 0.1 * Math.log(factor) : 1;
        return new RopeScaling.Yarn(
                factor,
                originalContext(),
                keys.positive("rope.scaling.yarn_beta_fast", BETA_FAST),
                keys.positive("rope.scaling.yarn_beta_slow", BETA_SLOW),
                (float) (attention * magnitude));
    }

    private int originalContext() {
        return keys.required("rope.scaling.original_context_length", MAX_CONTEXT);
    }
}
