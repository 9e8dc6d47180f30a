package io.baton.common.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Generates tiny but complete models: real vocabulary, chat template, every tensor of the family,
 * random weights from a seed, the same bytes on every machine. For {@code --demo} and for tests:
 * the text that they write means nothing, everything else about them is real.
 *
 * <p>Weights are scaled so that activations keep the size of one, and so that the layers outweigh
 * the embedding of the last token: otherwise a tied head would repeat that token for ever. Raw
 * bytes beyond ASCII, characters that cannot be seen and control tokens get small rows in the head,
 * so that greedy text is readable and runs to its limit.
 *
 * @param family {@code llama} or {@code gemma3}
 * @param layers transformer layers
 * @param hidden width of the residual stream
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headDim elements per head
 * @param ffn width of the feed-forward part
 * @param vocab token ids, 400 to 700
 * @param contextLength positions
 * @param slidingWindow of local layers; Gemma only
 * @param tiedHead whether the head is the embedding table; Gemma's always is
 * @param chatTemplate source of the template; empty for none
 * @param types of the matrices, used in turn; one whose block does not divide a matrix's rows is
 *     passed over, F32 where none fits
 * @param seed of the weights
 */
public record TinyModel(
        String family,
        int layers,
        int hidden,
        int heads,
        int kvHeads,
        int headDim,
        int ffn,
        int vocab,
        int contextLength,
        int slidingWindow,
        boolean tiedHead,
        String chatTemplate,
        List<TensorType> types,
        long seed) {
    /** Messages between {@code <|im_start|>} and {@code <|im_end|>}. */
    public static final String CHATML =
            "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n'"
                    + " + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
                    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /** Messages between {@code <start_of_turn>} and {@code <end_of_turn>}. */
    public static final String TURNS =
            "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role']"
                    + " + '\\n' + message['content'] + '<end_of_turn>\\n' }}{% endfor %}"
                    + "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}";

    private static final float EMBEDDING_DEVIATION = 0.05f;
    private static final float LOGIT_DEVIATION = 3f;
    private static final Set<Character> READABLE_MARKS = Set.of(' ', '.', ',', '?', '!', '\n');

    public TinyModel {
        if (!family.equals("llama") && !family.equals("gemma3")) {
            throw new IllegalArgumentException("unknown family " + family);
        }
        types = List.copyOf(types);
    }

    /** A Llama with four layers, 64 wide, whose matrices are Q8_0. */
    public static TinyModel llama() {
        return new TinyModel(
                "llama",
                4,
                64,
                4,
                2,
                16,
                128,
                512,
                2048,
                0,
                false,
                CHATML,
                List.of(TensorType.Q8_0),
                1);
    }

    /** A Gemma 3 with six layers (five local, one global), 64 wide, whose matrices are Q8_0. */
    public static TinyModel gemma3() {
        return new TinyModel(
                "gemma3",
                6,
                64,
                4,
                2,
                32,
                128,
                512,
                2048,
                24,
                true,
                TURNS,
                List.of(TensorType.Q8_0),
                1);
    }

    /** The same with other types of matrices. */
    public TinyModel withTypes(TensorType... newTypes) {
        return new TinyModel(
                family,
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                ffn,
                vocab,
                contextLength,
                slidingWindow,
                tiedHead,
                chatTemplate,
                List.of(newTypes),
                seed);
    }

    /** The same with other weights. */
    public TinyModel withSeed(long newSeed) {
        return new TinyModel(
                family,
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                ffn,
                vocab,
                contextLength,
                slidingWindow,
                tiedHead,
                chatTemplate,
                types,
                newSeed);
    }

    /** The same with another chat template; empty for none. */
    public TinyModel withChatTemplate(String template) {
        return new TinyModel(
                family,
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                ffn,
                vocab,
                contextLength,
                slidingWindow,
                tiedHead,
                template,
                types,
                seed);
    }

    /** The same with the head tied to the embedding table, or not. */
    public TinyModel withTiedHead(boolean tied) {
        return new TinyModel(
                family,
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                ffn,
                vocab,
                contextLength,
                slidingWindow,
                tied,
                chatTemplate,
                types,
                seed);
    }

    /** The same with other widths; K formats want both to be multiples of 256. */
    public TinyModel withWidths(int newHidden, int newFfn) {
        return new TinyModel(
                family,
                layers,
                newHidden,
                heads,
                kvHeads,
                headDim,
                newFfn,
                vocab,
                contextLength,
                slidingWindow,
                tiedHead,
                chatTemplate,
                types,
                seed);
    }

    /** The same with another number of layers. */
    public TinyModel withLayers(int newLayers) {
        return new TinyModel(
                family,
                newLayers,
                hidden,
                heads,
                kvHeads,
                headDim,
                ffn,
                vocab,
                contextLength,
                slidingWindow,
                tiedHead,
                chatTemplate,
                types,
                seed);
    }

    /** The model as a GGUF file in memory. */
    public byte[] toBytes() {
        return writer().toBytes();
    }

    /** Writes the model to {@code path}, atomically. */
    public void write(Path path) {
        writer().write(path);
    }

    private boolean isGemma() {
        return family.equals("gemma3");
    }

    private GgufWriter writer() {
        GgufWriter out = new GgufWriter();
        TinyVocabulary words =
                isGemma() ? TinyVocabulary.sentencePiece(vocab) : TinyVocabulary.byteLevel(vocab);
        metadata(out);
        tokenizer(out, words);
        new Tensors(out, new SplittableRandom(seed)).all(words);
        return out;
    }

    private void metadata(GgufWriter out) {
        out.string("general.architecture", family)
                .string("general.type", "model")
                .string("general.name", "Baton tiny " + family)
                .uint32("general.quantization_version", 2)
                .uint32(family + ".block_count", layers)
                .uint32(family + ".context_length", contextLength)
                .uint32(family + ".embedding_length", hidden)
                .uint32(family + ".feed_forward_length", ffn)
                .uint32(family + ".attention.head_count", heads)
                .uint32(family + ".attention.head_count_kv", kvHeads)
                .float32(family + ".attention.layer_norm_rms_epsilon", 1e-6f)
                .float32(family + ".rope.freq_base", isGemma() ? 1_000_000f : 10_000f)
                .uint32(family + ".vocab_size", vocab);
        if (isGemma()) {
            out.uint32("gemma3.attention.key_length", headDim)
                    .uint32("gemma3.attention.value_length", headDim)
                    .uint32("gemma3.attention.sliding_window", slidingWindow);
        } else {
            out.uint32("llama.rope.dimension_count", headDim)
                    .uint32("llama.attention.key_length", headDim)
                    .uint32("llama.attention.value_length", headDim);
        }
    }

    private void tokenizer(GgufWriter out, TinyVocabulary words) {
        out.string("tokenizer.ggml.model", isGemma() ? "llama" : "gpt2")
                .string("tokenizer.ggml.pre", isGemma() ? "default" : "smollm")
                .strings("tokenizer.ggml.tokens", words.tokens())
                .ints("tokenizer.ggml.token_type", words.types())
                .bool("tokenizer.ggml.add_space_prefix", false)
                .bool("tokenizer.ggml.add_bos_token", isGemma());
        if (isGemma()) {
            out.floats("tokenizer.ggml.scores", words.scores())
                    .bool("tokenizer.ggml.add_eos_token", false)
                    .uint32("tokenizer.ggml.padding_token_id", 0)
                    .uint32("tokenizer.ggml.eos_token_id", 1)
                    .uint32("tokenizer.ggml.bos_token_id", 2)
                    .uint32("tokenizer.ggml.unknown_token_id", 3)
                    .uint32("tokenizer.ggml.eot_token_id", 5);
        } else {
            out.strings("tokenizer.ggml.merges", words.merges())
                    .uint32("tokenizer.ggml.bos_token_id", 1)
                    .uint32("tokenizer.ggml.eos_token_id", 2)
                    .uint32("tokenizer.ggml.unknown_token_id", 0)
                    .uint32("tokenizer.ggml.padding_token_id", 2);
        }
        if (!chatTemplate.isEmpty()) {
            out.string("tokenizer.chat_template", chatTemplate);
        }
    }

    /** Draws the tensors one after the other from one random source. */
    private final class Tensors {
        private final GgufWriter out;
        private final RandomGenerator random;
        private int matrices;

        Tensors(GgufWriter out, RandomGenerator random) {
            this.out = out;
            this.random = random;
        }

        void all(TinyVocabulary words) {
            float[] embedding = BlockQuantizer.normal(vocab * hidden, EMBEDDING_DEVIATION, random);
            float scale = isGemma() ? (float) Math.sqrt(hidden) : 1f;
            boolean tied = tiedHead || isGemma();
            quieten(embedding, words);
            divide(embedding, scale);
            head("token_embd.weight", embedding);
            for (int layer = 0; layer < layers; layer++) {
                layer("blk." + layer + ".");
            }
            float headDeviation = EMBEDDING_DEVIATION / scale;
            norm(
                    "output_norm.weight",
                    hidden,
                    (float) (LOGIT_DEVIATION / (headDeviation * Math.sqrt(hidden))));
            if (!tied) {
                float[] head = BlockQuantizer.normal(vocab * hidden, headDeviation, random);
                quieten(head, words);
                head("output.weight", head);
            }
        }

        private void layer(String prefix) {
            int attention = heads * headDim;
            int kv = kvHeads * headDim;
            norm(prefix + "attn_norm.weight", hidden, 1f);
            matrix(prefix + "attn_q.weight", hidden, attention, 1.4f);
            matrix(prefix + "attn_k.weight", hidden, kv, 1.4f);
            matrix(prefix + "attn_v.weight", hidden, kv, 1f);
            matrix(prefix + "attn_output.weight", attention, hidden, 1.5f);
            norm(prefix + "ffn_norm.weight", hidden, 1f);
            matrix(prefix + "ffn_gate.weight", hidden, ffn, 1.4f);
            matrix(prefix + "ffn_up.weight", hidden, ffn, 1.4f);
            matrix(prefix + "ffn_down.weight", ffn, hidden, 1f);
            if (isGemma()) {
                norm(prefix + "attn_q_norm.weight", headDim, 1.4f);
                norm(prefix + "attn_k_norm.weight", headDim, 1.4f);
                norm(prefix + "post_attention_norm.weight", hidden, 1f);
                norm(prefix + "post_ffw_norm.weight", hidden, 1f);
            }
        }

        private void matrix(String name, int cols, int rows, float gain) {
            TensorType type = type(cols);
            float deviation = gain / (float) Math.sqrt(cols);
            out.tensor(
                    name,
                    type,
                    new long[] {cols, rows},
                    BlockQuantizer.random(type, cols * rows, deviation, random));
        }

        /** Embedding or head: always a type that can be rounded to. */
        private void head(String name, float[] values) {
            TensorType type = type(hidden);
            TensorType rounded = BlockQuantizer.canEncode(type) ? type : TensorType.Q8_0;
            out.tensor(
                    name,
                    rounded,
                    new long[] {hidden, vocab},
                    BlockQuantizer.encode(rounded, values));
        }

        private void norm(String name, int cols, float gain) {
            float[] values = BlockQuantizer.normal(cols, 0.1f * gain, random);
            for (int i = 0; i < cols; i++) {
                values[i] += gain;
            }
            out.tensor(
                    name,
                    TensorType.F32,
                    new long[] {cols},
                    BlockQuantizer.encode(TensorType.F32, values));
        }

        private TensorType type(int cols) {
            for (int i = 0; i < types.size(); i++) {
                TensorType type = types.get(matrices++ % types.size());
                if (cols % type.blockElements() == 0) {
                    return type;
                }
            }
            return TensorType.F32;
        }

        private void quieten(float[] rows, TinyVocabulary words) {
            for (int id = 0; id < vocab; id++) {
                if (!isReadable(words, id)) {
                    for (int i = id * hidden; i < (id + 1) * hidden; i++) {
                        rows[i] *= 0.1f;
                    }
                }
            }
        }

        private boolean isReadable(TinyVocabulary words, int id) {
            String name = words.tokens().get(id);
            if (words.types()[id] != TinyVocabulary.NORMAL) {
                return false;
            }
            return name.length() > 1
                    || Character.isLetterOrDigit(name.charAt(0)) && name.charAt(0) < 128
                    || READABLE_MARKS.contains(name.charAt(0));
        }

        private void divide(float[] values, float by) {
            for (int i = 0; i < values.length; i++) {
                values[i] /= by;
            }
        }
    }
}
