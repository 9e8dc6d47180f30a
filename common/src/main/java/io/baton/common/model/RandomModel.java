package io.baton.common.model;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A Llama of a known shape with random weights, written as a GGUF file that other programs load
 * too: for measurements of speed, where the weights' values do not matter. Written as a stream; the
 * same bytes on every machine.
 *
 * @param shape the sizes
 * @param type of the matrices
 * @param seed of the weights
 */
public record RandomModel(Shape shape, TensorType type, long seed) {
    private static final float EMBEDDING_DEVIATION = 0.05f;
    private static final float LOGIT_DEVIATION = 3f;

    /**
     * A Llama's sizes; its head is tied to the embedding table.
     *
     * @param label the name on the command line
     */
    public record Shape(
            String label,
            int layers,
            int hidden,
            int heads,
            int kvHeads,
            int headDim,
            int ffn,
            int vocab,
            int contextLength) {
        /** SmolLM2-135M's. */
        public static final Shape LLAMA_135M =
                new Shape("llama-135m", 30, 576, 9, 3, 64, 1536, 49_152, 8192);

        /** Llama-3.2-1B's. */
        public static final Shape LLAMA_1B =
                new Shape("llama-1b", 16, 2048, 32, 8, 64, 8192, 128_256, 8192);

        /** The shapes that have a name. */
        public static List<Shape> all() {
            return List.of(LLAMA_135M, LLAMA_1B);
        }

        /** Whether all rows divide into the type's blocks. */
        public boolean fits(TensorType type) {
            return hidden % type.blockElements() == 0
                    && ffn % type.blockElements() == 0
                    && heads * headDim % type.blockElements() == 0;
        }
    }

    public RandomModel {
        if (!shape.fits(type)) {
            throw new IllegalArgumentException(
                    "rows of %d do not divide into %s's blocks of %d"
                            .formatted(shape.hidden(), type, type.blockElements()));
        }
    }

    /** Writes the file, atomically. */
    public void write(Path path) {
        GgufWriter out = new GgufWriter();
        metadata(out);
        tokenizer(out);
        tensors(out, new SplittableRandom(seed));
        out.write(path);
    }

    private void metadata(GgufWriter out) {
        out.string("general.architecture", "llama")
                .string("general.type", "model")
                .string("general.name", "Baton random %s %s".formatted(shape.label(), type))
                .uint32("general.quantization_version", 2)
                .uint32("llama.block_count", shape.layers())
                .uint32("llama.context_length", shape.contextLength())
                .uint32("llama.embedding_length", shape.hidden())
                .uint32("llama.feed_forward_length", shape.ffn())
                .uint32("llama.attention.head_count", shape.heads())
                .uint32("llama.attention.head_count_kv", shape.kvHeads())
                .uint32("llama.attention.key_length", shape.headDim())
                .uint32("llama.attention.value_length", shape.headDim())
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .uint32("llama.rope.dimension_count", shape.headDim())
                .float32("llama.rope.freq_base", 500_000f)
                .uint32("llama.vocab_size", shape.vocab());
    }

    private void tokenizer(GgufWriter out) {
        TinyVocabulary words = TinyVocabulary.wide(shape.vocab());
        out.string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", "smollm")
                .strings("tokenizer.ggml.tokens", words.tokens())
                .ints("tokenizer.ggml.token_type", words.types())
                .strings("tokenizer.ggml.merges", words.merges())
                .bool("tokenizer.ggml.add_space_prefix", false)
                .bool("tokenizer.ggml.add_bos_token", false)
                .uint32("tokenizer.ggml.unknown_token_id", 0)
                .uint32("tokenizer.ggml.bos_token_id", 1)
                .uint32("tokenizer.ggml.eos_token_id", 2)
                .uint32("tokenizer.ggml.padding_token_id", 2)
                .string("tokenizer.chat_template", TinyModel.CHATML);
    }

    private void tensors(GgufWriter out, SplittableRandom random) {
        int hidden = shape.hidden();
        int attention = shape.heads() * shape.headDim();
        int kv = shape.kvHeads() * shape.headDim();
        drawn(out, "token_embd.weight", hidden, shape.vocab(), EMBEDDING_DEVIATION, random.split());
        for (int layer = 0; layer < shape.layers(); layer++) {
            String prefix = "blk." + layer + ".";
            norm(out, prefix + "attn_norm.weight", 1f);
            matrix(out, prefix + "attn_q.weight", hidden, attention, random);
            matrix(out, prefix + "attn_k.weight", hidden, kv, random);
            matrix(out, prefix + "attn_v.weight", hidden, kv, random);
            matrix(out, prefix + "attn_output.weight", attention, hidden, random);
            norm(out, prefix + "ffn_norm.weight", 1f);
            matrix(out, prefix + "ffn_gate.weight", hidden, shape.ffn(), random);
            matrix(out, prefix + "ffn_up.weight", hidden, shape.ffn(), random);
            matrix(out, prefix + "ffn_down.weight", shape.ffn(), hidden, random);
        }
        norm(
                out,
                "output_norm.weight",
                (float) (LOGIT_DEVIATION / (EMBEDDING_DEVIATION * Math.sqrt(hidden))));
    }

    private void matrix(GgufWriter out, String name, int cols, int rows, SplittableRandom random) {
        drawn(out, name, cols, rows, 1.4f / (float) Math.sqrt(cols), random.split());
    }

    private void drawn(
            GgufWriter out,
            String name,
            int cols,
            int rows,
            float deviation,
            SplittableRandom random) {
        out.tensor(
                name,
                type,
                new long[] {cols, rows},
                bytes -> DrawnBlocks.write(type, (long) cols * rows, deviation, random, bytes));
    }

    private void norm(GgufWriter out, String name, float gain) {
        float[] values = new float[shape.hidden()];
        Arrays.fill(values, gain);
        out.tensor(
                name,
                TensorType.F32,
                new long[] {shape.hidden()},
                BlockQuantizer.encode(TensorType.F32, values));
    }
}
