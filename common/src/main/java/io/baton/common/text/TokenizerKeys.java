package io.baton.common.text;

/**
 * Keys of a tokenizer in a model file: GGUF's, and Baton's own for what GGUF cannot say. The latter
 * stand only in files that Baton makes from checkpoint folders.
 */
public final class TokenizerKeys {
    /** Kind of tokenizer: {@code gpt2}, {@code llama}, {@code gemma4}, or {@link #CHARACTERS}. */
    public static final String MODEL = "tokenizer.ggml.model";

    /**
     * Value of {@link #MODEL}: byte-pair encoding of characters by merges, unknown ones as bytes.
     */
    public static final String CHARACTERS = "bpe-characters";

    /** Name of the pre-tokenizer. */
    public static final String PRE = "tokenizer.ggml.pre";

    public static final String TOKENS = "tokenizer.ggml.tokens";
    public static final String TYPES = "tokenizer.ggml.token_type";
    public static final String MERGES = "tokenizer.ggml.merges";
    public static final String BOS = "tokenizer.ggml.bos_token_id";
    public static final String EOS = "tokenizer.ggml.eos_token_id";
    public static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
    public static final String ADD_EOS = "tokenizer.ggml.add_eos_token";

    /**
     * Whether a piece that is a token is taken without merging, whatever the pre-tokenizer says.
     */
    public static final String IGNORE_MERGES = "baton.tokenizer.ignore_merges";

    /** Where a space is put before text: the {@link SpacePrefix} by its label. */
    public static final String SPACE_PREFIX = "baton.tokenizer.space_prefix";

    /** {@code nfc} or {@code none}. */
    public static final String NORMALIZER = "baton.tokenizer.normalizer";

    /** Ids of special tokens that eat the white space after them. */
    public static final String STRIPS_RIGHT = "baton.tokenizer.strips_right";

    /** Ids that end an answer, beside those that are known by name. */
    public static final String ENDS = "baton.tokenizer.end_of_generation";

    private TokenizerKeys() {}
}
