package io.baton.common.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.testkit.TinyModels;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TinyModelTest {
    @Test
    void theSameSeedGivesTheSameBytesEverywhere() {
        assertEquals(
                Sha256.hexOfParts(TinyModel.llama().toBytes()),
                Sha256.hexOfParts(TinyModel.llama().toBytes()));
        assertNotEquals(
                Sha256.hexOfParts(TinyModel.llama().toBytes()),
                Sha256.hexOfParts(TinyModel.llama().withSeed(2).toBytes()));
    }

    @Test
    void aLlamaIsComplete() {
        try (GgufFile file = TinyModels.open(TinyModel.llama())) {
            assertEquals("llama", file.architecture());
            assertEquals(3 + 4 * 9, file.tensors().size());
            assertEquals(64, file.require("blk.3.ffn_down.weight").rows());
            assertEquals(128, file.require("blk.3.ffn_down.weight").cols());
            assertEquals(32, file.require("blk.0.attn_k.weight").rows());
            assertEquals(512, file.require("output.weight").rows());
            assertEquals(TinyModel.CHATML, file.string("tokenizer.chat_template").orElseThrow());
        }
    }

    @Test
    void aGemmaIsComplete() {
        try (GgufFile file = TinyModels.open(TinyModel.gemma3().withChatTemplate(""))) {
            assertEquals("gemma3", file.architecture());
            assertEquals(2 + 6 * 13, file.tensors().size());
            assertEquals(32, file.require("blk.5.attn_q_norm.weight").cols());
            assertEquals(24, file.integer("gemma3.attention.sliding_window").orElseThrow());
            assertTrue(file.tensor("output.weight").isEmpty());
            assertTrue(file.string("tokenizer.chat_template").isEmpty());
        }
    }

    @Test
    void everyTypeOfMatrixCanBeAskedFor() {
        TinyModel model = TinyModel.llama().withWidths(256, 512).withTypes(TensorType.values());
        try (GgufFile file = TinyModels.open(model)) {
            Set<TensorType> seen = EnumSet.noneOf(TensorType.class);
            file.tensors().forEach(tensor -> seen.add(tensor.type()));
            assertEquals(EnumSet.allOf(TensorType.class), seen);
        }
    }

    @Test
    void aTypeWhoseBlockDoesNotFitIsPassedOver() {
        TinyModel model = TinyModel.llama().withTypes(TensorType.Q4_K, TensorType.Q5_1);
        try (GgufFile file = TinyModels.open(model)) {
            assertEquals(TensorType.Q5_1, file.require("blk.0.attn_q.weight").type());
        }
        try (GgufFile file = TinyModels.open(TinyModel.llama().withTypes(TensorType.Q4_K))) {
            assertEquals(TensorType.F32, file.require("blk.0.attn_q.weight").type());
        }
    }

    @Test
    void vocabulariesAreWhole() {
        TinyVocabulary bytes = TinyVocabulary.byteLevel(512);
        assertEquals(512, new HashSet<>(bytes.tokens()).size());
        assertEquals(253, bytes.merges().size());
        for (String merge : bytes.merges()) {
            String[] sides = merge.split(" ");
            assertEquals(2, sides.length);
            assertTrue(
                    bytes.tokens().containsAll(List.of(sides[0], sides[1], sides[0] + sides[1])));
        }
        TinyVocabulary pieces = TinyVocabulary.sentencePiece(512);
        assertEquals(512, new HashSet<>(pieces.tokens()).size());
        assertEquals(6, pieces.tokens().indexOf("<0x00>"));
        assertEquals(6 + 255, pieces.tokens().indexOf("<0xFF>"));
        assertEquals(512, pieces.scores().length);
    }

    @Test
    void byteCharactersAreThoseOfGpt2() {
        assertEquals('\u0120', TinyVocabulary.byteCharacter(' '));
        assertEquals('\u010a', TinyVocabulary.byteCharacter('\n'));
        assertEquals('A', TinyVocabulary.byteCharacter('A'));
        assertEquals('\u0143', TinyVocabulary.byteCharacter(0xad));
        assertEquals('\u00ff', TinyVocabulary.byteCharacter(0xff));
    }

    /** Decodes with the formulas of the formats, written down a second time. */
    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"})
    void quantisedValuesAreNearTheirOriginals(TensorType type) {
        float[] values = BlockQuantizer.normal(256, 1f, new SplittableRandom(5));
        float[] decoded = decode(type, BlockQuantizer.encode(type, values));
        double error = 0;
        for (int i = 0; i < values.length; i++) {
            error = Math.max(error, Math.abs(values[i] - decoded[i]));
        }
        double bound =
                switch (type) {
                    case F32 -> 0;
                    case F16 -> 0.002;
                    case BF16 -> 0.016;
                    case Q8_0 -> 0.02;
                    case Q5_0, Q5_1 -> 0.22;
                    case Q4_0, Q4_1 -> 0.42;
                    case Q4_K, Q5_K, Q6_K -> throw new AssertionError();
                };
        assertTrue(error <= bound, type + " is off by " + error);
        assertFalse(type != TensorType.F32 && error == 0);
    }

    @Test
    void zerosStayZeros() {
        for (TensorType type : TensorType.values()) {
            if (BlockQuantizer.canEncode(type)) {
                float[] decoded = decode(type, BlockQuantizer.encode(type, new float[32]));
                assertArrayEquals(new float[32], decoded, type.toString());
            }
        }
    }

    private static float[] decode(TensorType type, byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        float[] out = new float[bytes.length / type.blockBytes() * type.blockElements()];
        for (int at = 0; at < out.length; at += type.blockElements()) {
            switch (type) {
                case F32 -> out[at] = in.getFloat();
                case F16 -> out[at] = Float.float16ToFloat(in.getShort());
                case BF16 -> out[at] = Float.intBitsToFloat(in.getShort() << 16);
                case Q8_0 -> {
                    float d = Float.float16ToFloat(in.getShort());
                    for (int i = 0; i < 32; i++) {
                        out[at + i] = d * in.get();
                    }
                }
                case Q4_0, Q4_1, Q5_0, Q5_1 -> decodeBlock(type, in, out, at);
                case Q4_K, Q5_K, Q6_K -> throw new AssertionError();
            }
        }
        return out;
    }

    private static void decodeBlock(TensorType type, ByteBuffer in, float[] out, int at) {
        boolean affine = type == TensorType.Q4_1 || type == TensorType.Q5_1;
        boolean five = type == TensorType.Q5_0 || type == TensorType.Q5_1;
        float d = Float.float16ToFloat(in.getShort());
        float m = affine ? Float.float16ToFloat(in.getShort()) : -d * (five ? 16 : 8);
        int high = five ? in.getInt() : 0;
        for (int i = 0; i < 16; i++) {
            int pair = in.get();
            out[at + i] = d * (pair & 15 | (high >> i & 1) << 4) + m;
            out[at + i + 16] = d * (pair >> 4 & 15 | (high >> (i + 16) & 1) << 4) + m;
        }
    }

    @Test
    void randomSuperBlocksHaveFiniteScales() {
        for (TensorType type : List.of(TensorType.Q4_K, TensorType.Q5_K)) {
            byte[] bytes = BlockQuantizer.random(type, 512, 0.1f, new SplittableRandom(1));
            ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int at = 0; at < bytes.length; at += type.blockBytes()) {
                float d = Float.float16ToFloat(in.getShort(at));
                float dmin = Float.float16ToFloat(in.getShort(at + 2));
                assertTrue(d > 0 && d < 1 && dmin > d && dmin < 1, type + " " + d + " " + dmin);
            }
        }
        byte[] q6 = BlockQuantizer.random(TensorType.Q6_K, 256, 0.1f, new SplittableRandom(1));
        float d =
                Float.float16ToFloat(
                        ByteBuffer.wrap(q6).order(ByteOrder.LITTLE_ENDIAN).getShort(208));
        assertTrue(d > 0 && d < 1);
        assertEquals(ValueLayout.JAVA_SHORT.byteSize() + 208, q6.length);
    }
}
