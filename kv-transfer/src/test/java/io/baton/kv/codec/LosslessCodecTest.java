package io.baton.kv.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.entropy.ReferenceRans;
import io.baton.kernels.kv.ReferenceKv;
import io.baton.kv.codec.KvCodec.Setting;
import io.baton.kv.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LosslessCodecTest {
    private static final int MUTATIONS = 3000;

    private final KvCodec codec = new LosslessCodec(new ReferenceRans(), new ReferenceKv());
    private final SplittableRandom random = new SplittableRandom(11);

    private static PartShape part(KvDtype dtype, int layers, int heads, int dim, int blocks) {
        return new PartShape(new KvLayout(4, heads, dim, dtype, 16), 0, layers, 32, blocks);
    }

    private byte[] kv(PartShape part, int emptyTokens) {
        return SomeKv.normal(part, emptyTokens, random);
    }

    private byte[] encode(PartShape part, byte[] raw) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 8);
            byte[] encoded =
                    codec.encode(part, Setting.PLAIN, copy(arena, raw), scratch)
                            .toArray(ValueLayout.JAVA_BYTE);
            assertTrue(encoded.length <= codec.maxEncodedBytes(part));
            return encoded;
        }
    }

    private byte[] decode(PartShape part, byte[] encoded) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 8);
            scratch.fill((byte) 0x5a);
            return codec.decode(part, Setting.PLAIN, copy(arena, encoded), scratch)
                    .toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static MemorySegment copy(Arena arena, byte[] bytes) {
        return arena.allocate(Math.max(1, bytes.length), 8)
                .asSlice(0, bytes.length)
                .copyFrom(MemorySegment.ofArray(bytes));
    }

    @ParameterizedTest
    @EnumSource(
            value = KvDtype.class,
            names = {"BF16", "F16"})
    void sixteenBitsComeBackBitForBitFromTwoThirdsOfTheBytes(KvDtype dtype) {
        for (int heads : new int[] {1, 3}) {
            for (int dim : new int[] {8, 64}) {
                for (int blocks : new int[] {1, 2, 5, 16}) {
                    for (int layers = 1; layers <= 2; layers++) {
                        PartShape part = part(dtype, layers, heads, dim, blocks);
                        byte[] raw = kv(part, random.nextInt(16));
                        assertArrayEquals(raw, decode(part, encode(part, raw)));
                    }
                }
            }
        }
        PartShape chunk = part(dtype, 1, 3, 64, 16);
        double ratio = (double) chunk.rawBytes() / encode(chunk, kv(chunk, 0)).length;
        assertTrue(ratio > (dtype == KvDtype.BF16 ? 1.45 : 1.14), () -> "ratio " + ratio);
    }

    @Test
    void everyBitPatternSurvives() {
        PartShape part = part(KvDtype.BF16, 1, 2, 64, 16);
        byte[] noise = new byte[(int) part.rawBytes()];
        random.nextBytes(noise);
        byte[] encoded = encode(part, noise);
        assertEquals(noise.length + 1, encoded.length, "noise is sent as it is");
        assertArrayEquals(noise, decode(part, encoded));
        byte[] zeros = new byte[(int) part.rawBytes()];
        assertArrayEquals(zeros, decode(part, encode(part, zeros)));
    }

    @ParameterizedTest
    @EnumSource(
            value = KvDtype.class,
            names = {"F32", "INT8"})
    void otherElementsAreSentAsTheyAre(KvDtype dtype) {
        PartShape part = part(dtype, 1, 2, 16, 3);
        byte[] raw = new byte[(int) part.rawBytes()];
        random.nextBytes(raw);
        byte[] encoded = encode(part, raw);
        assertEquals(raw.length + 1, encoded.length);
        assertArrayEquals(raw, decode(part, encoded));
    }

    @Test
    void bytesFromAnywhereGiveAPartOrATypedError() {
        PartShape part = part(KvDtype.BF16, 1, 1, 16, 3);
        byte[] valid = encode(part, kv(part, 5));
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] bytes =
                    random.nextInt(3) == 0
                            ? Arrays.copyOf(valid, random.nextInt(2 * valid.length))
                            : valid.clone();
            for (int times = random.nextInt(4); times > 0 && bytes.length > 0; times--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                assertEquals(part.rawBytes(), decode(part, bytes).length);
            } catch (BatonException e) {
                assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
                refused++;
            }
        }
        assertTrue(refused > MUTATIONS / 10, "refused " + refused);
    }

    @Test
    void theFormatIsWrittenDown() throws IOException {
        PartShape part = part(KvDtype.BF16, 1, 1, 8, 3);
        Golden.check("lossless-part.bin", encode(part, kv(part, 4)));
    }

    @Test
    void aPartOfAnotherShapeIsRefused() {
        PartShape part = part(KvDtype.BF16, 1, 2, 16, 4);
        byte[] encoded = encode(part, kv(part, 0));
        for (PartShape other :
                new PartShape[] {
                    part(KvDtype.BF16, 1, 2, 16, 5),
                    part(KvDtype.BF16, 1, 2, 16, 3),
                    part(KvDtype.BF16, 2, 2, 16, 4),
                    part(KvDtype.F32, 1, 2, 16, 4)
                }) {
            assertThrows(BatonException.class, () -> decode(other, encoded));
        }
    }
}
