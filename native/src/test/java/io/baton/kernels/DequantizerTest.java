package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.model.TensorType;
import io.baton.kernels.reference.Dequantizer;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DequantizerTest {
    @ParameterizedTest
    @EnumSource(TensorType.class)
    void everyFormatIsReadAsItIsDefined(TensorType type) {
        int elements = 256 * 9;
        MemorySegment data = RandomBlocks.of(type, elements, new SplittableRandom(type.id()));
        double[] expected = GgmlLoops.decode(type, data, elements);
        float[] actual = new float[elements];
        Dequantizer.decode(type, data, 0, actual, 0, elements);
        for (int i = 0; i < elements; i++) {
            // Two float32 roundings at most; a K-quant's difference may cancel.
            assertEquals(expected[i], actual[i], 1e-6 * Math.max(0.5, Math.abs(expected[i])));
        }
    }

    @Test
    void aRowIsCutOutOfItsMatrix() {
        TensorType type = TensorType.Q5_K;
        MemorySegment data = RandomBlocks.of(type, 3 * 512, new SplittableRandom(5));
        float[] all = new float[3 * 512];
        Dequantizer.decode(type, data, 0, all, 0, all.length);
        float[] row = new float[512];
        Dequantizer.row(type, data, 2, 512, row);
        assertArrayEquals(java.util.Arrays.copyOfRange(all, 1024, 1536), row);
    }

    @Test
    void aQ4KBlockByHand() {
        byte[] block = new byte[144];
        block[1] = 0x3c; // d = 1.0
        block[3] = 0x40; // dmin = 2.0
        block[4 + 1] = (byte) (0xc0 | 5); // sub-block 1: scale 5; upper bits of scale 5: 3
        block[4 + 5] = (byte) (0x80 | 7); // sub-block 1: min 7; upper bits of min 5: 2
        block[4 + 9] = (byte) 0x9a; // sub-block 5: lower bits of scale 10, of min 9
        block[16] = (byte) 0xe3; // first of sub-block 0: 3, of sub-block 1: 14
        block[16 + 2 * 32] = (byte) 0xb4; // first of sub-block 4: 4, of sub-block 5: 11
        float[] out = new float[256];
        Dequantizer.decode(TensorType.Q4_K, MemorySegment.ofArray(block), 0, out, 0, 256);
        assertEquals(0, out[0]);
        assertEquals(5 * 14 - 2 * 7, out[32]);
        assertEquals(-2 * 7, out[33]);
        assertEquals((10 + 48) * 11 - 2 * (9 + 32), out[160]);
    }

    @Test
    void aQ6KBlockByHand() {
        byte[] block = new byte[210];
        block[209] = 0x3c; // d = 1.0
        block[192 + 8 + 5] = -3; // scale of elements 208 to 223
        block[64 + 16] = 0x70; // element 128 + 64 + 16: low nibble 7 in the upper half
        block[128 + 32 + 16] = 0x30; // its upper two bits: 3
        float[] out = new float[256];
        Dequantizer.decode(TensorType.Q6_K, MemorySegment.ofArray(block), 0, out, 0, 256);
        assertEquals(-3 * (7 + 48 - 32), out[208]);
        assertEquals(-3 * -32, out[209]);
        assertEquals(-0f, out[0]);
    }
}
