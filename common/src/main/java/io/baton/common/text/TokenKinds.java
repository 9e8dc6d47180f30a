package io.baton.common.text;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What each token is, as bits. Files often mislabel tokens, so tokens with well-known texts become
 * control tokens or end the model's turn, as in llama.cpp's loader (llama-vocab.cpp, "auto-detect
 * special tokens by text"). Where that loader makes gpt-oss's {@code <|start|>}, {@code
 * <|channel|>} and the like ordinary text, Baton leaves them control tokens: text of a user must
 * not become one.
 */
final class TokenKinds {
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 4;
    static final int USER_DEFINED = 8;
    static final int BYTE = 16;

    /** Split off before the text is encoded. */
    static final int SPECIAL = UNKNOWN | CONTROL | USER_DEFINED;

    private static final Set<String> END_OF_GENERATION =
            Set.of(
                    "<|eot_id|>",
                    "<|im_end|>",
                    "<|end|>",
                    "<|return|>",
                    "<|call|>",
                    "<|flush|>",
                    "<|calls|>",
                    "<end_of_turn>",
                    "<|endoftext|>",
                    "</s>",
                    "<|eom_id|>",
                    "<EOT>",
                    "_<EOT>",
                    "[EOT]",
                    "[EOS]",
                    "<|end_of_text|>",
                    "<end_of_utterance>",
                    "<eos>",
                    "<turn|>",
                    "<|tool_response>",
                    "<｜end▁of▁sentence｜>",
                    "[e~[");

    /** A token of fill-in-the-middle: its keys, the texts it goes by, whether it ends a turn. */
    private record Fill(List<String> keys, Set<String> texts, boolean ends) {}

    private static final List<Fill> FILLS =
            List.of(
                    new Fill(
                            List.of("fim_pre", "prefix"),
                            Set.of(
                                    "<|fim_prefix|>",
                                    "<fim-prefix>",
                                    "<fim_prefix>",
                                    "<｜fim▁begin｜>",
                                    "<PRE>",
                                    "▁<PRE>",
                                    "<|code_prefix|>",
                                    "<|prefix|>"),
                            false),
                    new Fill(
                            List.of("fim_suf", "suffix"),
                            Set.of(
                                    "<|fim_suffix|>",
                                    "<fim-suffix>",
                                    "<fim_suffix>",
                                    "<｜fim▁hole｜>",
                                    "<SUF>",
                                    "▁<SUF>",
                                    "<|code_suffix|>",
                                    "<|suffix|>"),
                            false),
                    new Fill(
                            List.of("fim_mid", "middle"),
                            Set.of(
                                    "<|fim_middle|>",
                                    "<fim-middle>",
                                    "<fim_middle>",
                                    "<｜fim▁end｜>",
                                    "<MID>",
                                    "▁<MID>",
                                    "<|code_middle|>",
                                    "<|middle|>"),
                            false),
                    new Fill(
                            List.of("fim_pad"),
                            Set.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
                            true),
                    new Fill(
                            List.of("fim_rep"),
                            Set.of(
                                    "<|fim_repo|>",
                                    "<|repo_name|>",
                                    "<fim-repo>",
                                    "<REPO>",
                                    "<reponame>"),
                            true),
                    new Fill(List.of("fim_sep"), Set.of("<|file_sep|>"), true));

    private TokenKinds() {}

    /** The bits of GGUF's token type; unused and undefined ones have none. */
    static byte ofGguf(int type) {
        return switch (type) {
            case 1 -> NORMAL;
            case 2 -> UNKNOWN;
            case 3 -> CONTROL;
            case 4 -> USER_DEFINED;
            case 6 -> BYTE;
            default -> 0;
        };
    }

    /** Looks special token ids up in the file by the key's short name, such as {@code eos}. */
    interface IdKeys {
        OptionalInt id(String shortName);
    }

    /**
     * Corrects kinds by the tokens' texts.
     *
     * @param kinds changed in place
     * @return the tokens that end the model's turn
     */
    static BitSet correct(Map<String, Integer> ids, byte[] kinds, IdKeys keys) {
        BitSet ends = new BitSet(kinds.length);
        for (Fill fill : FILLS) {
            OptionalInt id = OptionalInt.empty();
            for (String key : fill.keys()) {
                OptionalInt named = keys.id(key);
                id = named.isPresent() ? named : id;
            }
            if (id.isEmpty()) {
                id = fill.texts().stream().filter(ids::containsKey).mapToInt(ids::get).min();
                id.ifPresent(token -> kinds[token] |= CONTROL);
            }
            if (fill.ends()) {
                id.ifPresent(ends::set);
            }
        }
        for (String text : END_OF_GENERATION) {
            Integer id = ids.get(text);
            if (id != null) {
                ends.set(id);
                kinds[id] |= CONTROL;
            }
        }
        for (String key : List.of("eos", "eot", "eom")) {
            keys.id(key).ifPresent(ends::set);
        }
        exceptions(ids, kinds, ends);
        return ends;
    }

    private static void exceptions(Map<String, Integer> ids, byte[] kinds, BitSet ends) {
        boolean call = ids.containsKey("<|call|>") || ids.containsKey("<|calls|>");
        Integer end = ids.get("<|end|>");
        if (end != null
                && call
                && (ids.containsKey("<|return|>") || ids.containsKey("<|flush|>"))) {
            // Ends a message of several in a turn there.
            ends.clear(end);
        }
        Integer close = ids.get("</s>");
        if (close != null && ids.containsKey("<|tool_response>")) {
            // HTML's end of struck text there.
            ends.clear(close);
            kinds[close] = NORMAL;
        }
    }
}
