package io.baton.common.checkpoint;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of tensors in checkpoints and in GGUF. */
final class CheckpointNames {
    private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d{1,4})\\.(.+)");
    private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,4})\\.(.+)");

    private static final Map<String, String> WHOLE =
            Map.of(
                    "model.embed_tokens.weight", "token_embd.weight",
                    "model.norm.weight", "output_norm.weight",
                    "lm_head.weight", "output.weight");

    private static final Map<String, String> OF_LAYER =
            Map.ofEntries(
                    Map.entry("input_layernorm.weight", "attn_norm.weight"),
                    Map.entry("self_attn.q_proj.weight", "attn_q.weight"),
                    Map.entry("self_attn.k_proj.weight", "attn_k.weight"),
                    Map.entry("self_attn.v_proj.weight", "attn_v.weight"),
                    Map.entry("self_attn.q_proj.bias", "attn_q.bias"),
                    Map.entry("self_attn.k_proj.bias", "attn_k.bias"),
                    Map.entry("self_attn.v_proj.bias", "attn_v.bias"),
                    Map.entry("self_attn.qkv_proj.weight", "attn_qkv.weight"),
                    Map.entry("self_attn.o_proj.weight", "attn_output.weight"),
                    Map.entry("self_attn.q_norm.weight", "attn_q_norm.weight"),
                    Map.entry("self_attn.k_norm.weight", "attn_k_norm.weight"),
                    Map.entry("mlp.gate_proj.weight", "ffn_gate.weight"),
                    Map.entry("mlp.up_proj.weight", "ffn_up.weight"),
                    Map.entry("mlp.gate_up_proj.weight", "ffn_up.weight"),
                    Map.entry("mlp.down_proj.weight", "ffn_down.weight"));

    private static final Map<String, String> PLAIN_NORMS =
            Map.of("post_attention_layernorm.weight", "ffn_norm.weight");

    private static final Map<String, String> GEMMA_NORMS =
            Map.of(
                    "post_attention_layernorm.weight", "post_attention_norm.weight",
                    "pre_feedforward_layernorm.weight", "ffn_norm.weight",
                    "post_feedforward_layernorm.weight", "post_ffw_norm.weight");

    private final Map<String, String> ofLayer = new HashMap<>(OF_LAYER);
    private final Map<String, String> back = new HashMap<>();

    CheckpointNames(boolean gemma) {
        ofLayer.putAll(gemma ? GEMMA_NORMS : PLAIN_NORMS);
        ofLayer.forEach((theirs, ours) -> back.merge(ours, theirs, (a, b) -> a + " or " + b));
    }

    /** GGUF's name, if the tensor has a place in some family. */
    Optional<String> toGguf(String name) {
        Matcher layer = LAYER.matcher(name);
        if (layer.matches() && ofLayer.containsKey(layer.group(2))) {
            return Optional.of("blk." + layer.group(1) + "." + ofLayer.get(layer.group(2)));
        }
        return Optional.ofNullable(WHOLE.get(name));
    }

    /** The checkpoint's name of a tensor, for messages. */
    Optional<String> fromGguf(String name) {
        Matcher block = BLOCK.matcher(name);
        if (block.matches() && back.containsKey(block.group(2))) {
            return Optional.of("model.layers." + block.group(1) + "." + back.get(block.group(2)));
        }
        return WHOLE.entrySet().stream()
                .filter(entry -> entry.getValue().equals(name))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** Tables that old checkpoints stored and that are computed anyway. */
    static boolean isPassedOver(String name) {
        return name.endsWith(".rotary_emb.inv_freq");
    }
}
