package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.model.GgufWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The rotary part of config.json, in either of transformers' forms: {@code rope_theta} and {@code
 * rope_scaling}, or {@code rope_parameters}. Formulas of defaults are those of its
 * modeling_rope_utils.
 */
final class CheckpointRope {
    private final ConfigJson config;

    /** The object that holds type and factors; the configuration itself where there is none. */
    private final ConfigJson parameters;

    private final String type;
    private final double theta;
    private final double localTheta;
    private final int rotated;
    private final boolean phi;

    private CheckpointRope(ConfigJson config, String model, int headDim) {
        this.config = config;
        this.phi = model.equals("phi3");
        boolean gemma3 = model.equals("gemma3_text");
        ConfigJson given =
                config.object("rope_parameters")
                        .or(() -> config.object("rope_scaling"))
                        .orElse(ConfigJson.of(config.source(), emptyObject()));
        Optional<ConfigJson> global = given.object("full_attention");
        Optional<ConfigJson> local = given.object("sliding_attention");
        config.refuse(
                !gemma3 && (global.isPresent() || local.isPresent()),
                "rope_parameters.full_attention",
                "rotations by layer in this family");
        this.parameters = global.orElse(given);
        this.type = type(parameters);
        double usual = gemma3 ? 1e6 : 1e4;
        this.theta = parameters.positive("rope_theta", config.positive("rope_theta", usual));
        double localUsual = config.positive("rope_local_base_freq", 1e4);
        this.localTheta =
                local.isPresent() ? local.get().positive("rope_theta", localUsual) : localUsual;
        local.ifPresent(
                one ->
                        config.refuse(
                                !type(one).equals("default"),
                                "rope_parameters.sliding_attention",
                                "scaled rotations in local layers"));
        double part =
                parameters.positive(
                        "partial_rotary_factor", config.positive("partial_rotary_factor", 1));
        config.refuse(!phi && part != 1, "partial_rotary_factor", "partly rotated heads here");
        this.rotated = (int) (headDim * part);
    }

    static CheckpointRope of(ConfigJson config, String model, int headDim) {
        return new CheckpointRope(config, model, headDim);
    }

    private static tools.jackson.databind.JsonNode emptyObject() {
        return tools.jackson.databind.node.JsonNodeFactory.instance.objectNode();
    }

    private String type(ConfigJson node) {
        String name = node.string("rope_type").or(() -> node.string("type")).orElse("default");
        // Phi-3's first files wrote so.
        return phi && (name.equals("su") || name.equals("yarn")) ? "longrope" : name;
    }

    void write(GgufWriter out, String family) {
        String at = family + ".rope.";
        out.float32(at + "freq_base", (float) theta).uint32(at + "dimension_count", rotated);
        if (family.equals("gemma3")) {
            out.float32(at + "freq_base_swa", (float) localTheta);
        }
        switch (type) {
            case "default", "llama3" -> {}
            case "linear" ->
                    out.string(at + "scaling.type", "linear")
                            .float32(at + "scaling.factor", (float) required("factor"));
            case "yarn" -> yarn(out, at + "scaling.");
            case "longrope" ->
                    out.string(at + "scaling.type", "longrope")
                            .uint32(at + "scaling.original_context_length", originalContext())
                            .float32(at + "scaling.attn_factor", (float) longAttention());
            default ->
                    throw config.invalid(
                            "RoPE scaling %s is not one that Baton computes: default, linear,"
                                            .formatted(quote(type))
                                    + " llama3, yarn, longrope");
        }
    }

    private void yarn(GgufWriter out, String at) {
        config.refuse(!parameters.flag("truncate", true), "truncate false", "YaRN without it");
        double factor = parameters.positive("factor", grown());
        double attention =
                parameters
                        .number("attention_factor")
                        .orElseGet(
                                () ->
                                        parameters.has("mscale") && parameters.has("mscale_all_dim")
                                                ? magnitude(factor, required("mscale"))
                                                        / magnitude(
                                                                factor, required("mscale_all_dim"))
                                                : magnitude(factor, 1));
        out.string(at + "type", "yarn")
                .float32(at + "factor", (float) factor)
                .uint32(at + "original_context_length", originalContext())
                .float32(at + "yarn_beta_fast", (float) parameters.positive("beta_fast", 32))
                .float32(at + "yarn_beta_slow", (float) parameters.positive("beta_slow", 1))
                // GGUF's factor comes on top of the usual one.
                .float32(at + "attn_factor", (float) (attention / magnitude(factor, 1)));
    }

    private static double magnitude(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private double longAttention() {
        Optional<Double> given = parameters.number("attention_factor");
        if (given.isPresent()) {
            return given.get();
        }
        double factor = parameters.positive("factor", grown());
        return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContext()));
    }

    private double grown() {
        return (double) config.required("max_position_embeddings") / originalContext();
    }

    private int originalContext() {
        String name = "original_max_position_embeddings";
        int original =
                (phi && config.has(name) ? config.integer(name) : parameters.integer(name))
                        .orElseGet(() -> config.required("max_position_embeddings"));
        if (original < 2) {
            throw config.invalid("'%s' is %d".formatted(name, original));
        }
        return original;
    }

    /** What GGUF keeps as tensors: divisors of each pair's frequency. */
    Map<String, float[]> tensors() {
        Map<String, float[]> tensors = new LinkedHashMap<>();
        switch (type) {
            case "llama3" -> tensors.put("rope_freqs.weight", llama3());
            case "longrope" -> {
                tensors.put("rope_factors_short.weight", parameters.factors("short_factor"));
                tensors.put("rope_factors_long.weight", parameters.factors("long_factor"));
            }
            default -> {}
        }
        return tensors;
    }

    /**
     * Llama 3.1: slow pairs are divided by the factor, fast ones kept, those between blended (its
     * reference code, apply_scaling).
     */
    private float[] llama3() {
        double factor = required("factor");
        double low = required("low_freq_factor");
        double high = required("high_freq_factor");
        double old = originalContext();
        float[] divisors = new float[rotated / 2];
        for (int i = 0; i < divisors.length; i++) {
            double turn = 2 * Math.PI * Math.pow(theta, 2.0 * i / rotated);
            double smooth = (old / turn - low) / (high - low);
            double between = 1 / ((1 - smooth) / factor + smooth);
            divisors[i] = (float) (turn < old / high ? 1 : turn > old / low ? factor : between);
        }
        return divisors;
    }

    private double required(String name) {
        return parameters.positive(name, parameters.requiredNumber(name));
    }
}
