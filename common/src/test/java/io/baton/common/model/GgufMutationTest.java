package io.baton.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whatever is changed in a file, the reader gives an error of ours or a file that can be read. */
class GgufMutationTest {
    private static final int MUTATIONS = 2_000;

    @Test
    void aMutatedFileIsReadOrRefused() {
        byte[] original = small();
        int refused = 0;
        for (int seed = 0; seed < MUTATIONS; seed++) {
            byte[] mutated = mutate(original, new SplittableRandom(seed));
            try {
                readAll(mutated);
            } catch (BatonException e) {
                assertEquals(ErrorCode.MODEL_FILE_INVALID, e.code());
                refused++;
            } catch (RuntimeException | Error e) {
                fail("seed " + seed, e);
            }
        }
        assertTrue(refused > MUTATIONS / 10 && refused < MUTATIONS, refused + " refused");
    }

    /** Few bytes of data, so that most mutations meet the header. */
    private static byte[] small() {
        GgufWriter out = new GgufWriter();
        out.string("general.architecture", "llama")
                .uint32("general.alignment", 32)
                .uint32("n", 5)
                .float32("f", 1f)
                .bool("b", true)
                .strings("words", java.util.List.of("one", "two", "three"))
                .ints("ints", new int[] {1, 2, 3})
                .floats("floats", new float[] {1, 2});
        for (int i = 0; i < 4; i++) {
            out.tensor("blk." + i, TensorType.Q4_0, new long[] {32, 2}, new byte[36]);
        }
        return out.toBytes();
    }

    private static byte[] mutate(byte[] original, SplittableRandom random) {
        byte[] bytes = original.clone();
        int changes = random.nextInt(1, 6);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(4)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> Arrays.fill(bytes, at, Math.min(bytes.length, at + 8), (byte) 0xff);
                default -> bytes[at] = 0;
            }
        }
        return random.nextInt(8) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private static void readAll(byte[] bytes) {
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            for (GgufTensor tensor : file.tensors()) {
                assertEquals(tensor.type().bytes(tensor.elements()), tensor.data().byteSize());
                Sha256.hex(tensor.data());
            }
            try (GgufFile text = GgufFile.ofBytes(MemorySegment.ofArray(file.textArtifact()))) {
                assertEquals(file.keys(), text.keys());
            }
            file.string("general.architecture");
            file.integer("n");
            file.number("f");
            file.bool("b");
            file.strings("words");
            file.ints("ints");
            file.floats("floats");
        }
    }
}
