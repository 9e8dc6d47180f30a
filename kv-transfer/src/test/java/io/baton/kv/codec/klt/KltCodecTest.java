package io.baton.kv.codec.klt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.kernels.entropy.RansCoders;
import io.baton.kernels.entropy.ReferenceRans;
import io.baton.kernels.transform.HeadTransforms;
import io.baton.kernels.transform.ReferenceHeadTransform;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvCodec.Setting;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import io.baton.kv.codec.PartShape;
import io.baton.kv.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KltCodecTest {
    private static final int MUTATIONS = 3000;
    private static final KltProfile PROFILE = Attention.profile();
    private static final KvProfile FILE =
            KvProfile.make(
                    new KvProfile.Model(
                            "made up", Attention.LAYERS, Attention.KV_HEADS, Attention.DIM),
                    Map.of(KltCodec.SECTION, MemorySegment.ofArray(PROFILE.toBytes())));
    private static final long ID = FILE.id();

    private final KvCodec codec =
            new KltCodec(RansCoders.fastest(), HeadTransforms.fastest(), profiles());
    private final KvCodec reference =
            new KltCodec(new ReferenceRans(), new ReferenceHeadTransform(), profiles());

    private static KvProfiles profiles() {
        KvProfiles profiles = KvProfiles.inMemory();
        profiles.add(FILE);
        return profiles;
    }

    private static Setting level(int level) {
        return new Setting(level, ID);
    }

    private static byte[] encode(KvCodec codec, PartShape part, int level, byte[] raw) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 64);
            byte[] encoded =
                    codec.encode(part, level(level), copy(arena, raw), scratch)
                            .toArray(ValueLayout.JAVA_BYTE);
            assertTrue(encoded.length <= codec.maxEncodedBytes(part));
            return encoded;
        }
    }

    private static byte[] decode(KvCodec codec, PartShape part, int level, byte[] encoded) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 64);
            scratch.fill((byte) 0x5a);
            return codec.decode(part, level(level), copy(arena, encoded), scratch)
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
    void errorsGrowWithTheLevelAndSizesShrink(KvDtype dtype) {
        PartShape part = Attention.part(dtype, 1, 64, 16);
        byte[] raw = new Attention(9).kv(part);
        double lastError = 0;
        int lastLength = raw.length;
        for (int level = 0; level < KltProfile.LEVELS; level++) {
            byte[] encoded = encode(codec, part, level, raw);
            byte[] back = decode(codec, part, level, encoded);
            double error = error(dtype, raw, back);
            assertTrue(encoded.length < lastLength, "level " + level);
            assertTrue(error > lastError, "level " + level);
            lastError = error;
            lastLength = encoded.length;
        }
        byte[] finest = decode(codec, part, 0, encode(codec, part, 0, raw));
        assertTrue(error(dtype, raw, finest) < 0.05, "of the values' own mean square");
    }

    /** The mean square of the differences in that of the values. */
    private static double error(KvDtype dtype, byte[] a, byte[] b) {
        double difference = 0;
        double square = 0;
        for (int i = 0; i < a.length; i += 2) {
            double x = value(dtype, a, i);
            double y = value(dtype, b, i);
            difference += (x - y) * (x - y);
            square += x * x;
        }
        return difference / square;
    }

    private static float value(KvDtype dtype, byte[] bytes, int at) {
        short bits = (short) (bytes[at] & 0xff | bytes[at + 1] << 8);
        return dtype == KvDtype.F16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }

    @Test
    void firstTokensAreExact() {
        PartShape part = Attention.part(KvDtype.BF16, 0, 0, 2);
        byte[] raw = new Attention(4).kv(part);
        byte[] back = decode(codec, part, 6, encode(codec, part, 6, raw));
        int row = 2 * Attention.DIM;
        for (int head = 0; head < 2 * Attention.KV_HEADS; head++) {
            int at = head * 16 * row;
            int exact = at + KltStatistics.SINKS * row;
            assertArrayEquals(
                    Arrays.copyOfRange(raw, at, exact), Arrays.copyOfRange(back, at, exact));
            assertFalse(Arrays.equals(raw, exact, at + 16 * row, back, exact, at + 16 * row));
        }
    }

    @Test
    void cAndJavaGiveTheSameBytes() {
        for (KvDtype dtype : new KvDtype[] {KvDtype.BF16, KvDtype.F16}) {
            for (int layer = 0; layer < Attention.LAYERS; layer++) {
                PartShape part = Attention.part(dtype, layer, 16 * 70, 5);
                byte[] raw = new Attention(layer).kv(part);
                byte[] encoded = encode(reference, part, 2, raw);
                assertArrayEquals(encoded, encode(codec, part, 2, raw));
                assertArrayEquals(
                        decode(reference, part, 2, encoded), decode(codec, part, 2, encoded));
            }
        }
    }

    @Test
    void valuesOutOfAllProportionComeBack() {
        PartShape part = Attention.part(KvDtype.BF16, 0, 16, 1);
        byte[] raw = new Attention(8).kv(part);
        for (int i = 0; i < 30; i++) {
            raw[64 * i + 1] = 0x43;
        }
        byte[] encoded = encode(codec, part, 2, raw);
        assertTrue(encoded[2] != 0 || encoded[3] != 0, "some are escapes");
        // What lies in directions that are not coded is lost, however large.
        double error = error(KvDtype.BF16, raw, decode(codec, part, 2, encoded));
        assertTrue(error < 0.2, () -> "error " + error);
        new SplittableRandom(5).nextBytes(raw);
        byte[] noise = encode(codec, part, 2, raw);
        assertEquals(raw.length + 1, noise.length, "noise is sent as it is");
        assertArrayEquals(raw, decode(codec, part, 2, noise));
    }

    @ParameterizedTest
    @EnumSource(
            value = KvDtype.class,
            names = {"F32", "INT8"})
    void otherElementsAreSentAsTheyAre(KvDtype dtype) {
        PartShape part = Attention.part(dtype, 0, 0, 2);
        byte[] raw = new byte[(int) part.rawBytes()];
        new SplittableRandom(6).nextBytes(raw);
        byte[] encoded = encode(codec, part, 1, raw);
        assertEquals(raw.length + 1, encoded.length);
        assertArrayEquals(raw, decode(codec, part, 1, encoded));
    }

    @Test
    void bytesFromAnywhereGiveAPartOrATypedError() {
        PartShape part = Attention.part(KvDtype.BF16, 0, 0, 3);
        byte[] raw = new Attention(8).kv(part);
        raw[901] = 0x43;
        byte[] valid = encode(codec, part, 2, raw);
        SplittableRandom random = new SplittableRandom(12);
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
                assertEquals(part.rawBytes(), decode(codec, part, 2, bytes).length);
            } catch (BatonException e) {
                assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
                refused++;
            }
        }
        assertTrue(refused > MUTATIONS / 10, "refused " + refused);
    }

    @Test
    void anUnknownProfileOrLevelIsRefused() {
        PartShape part = Attention.part(KvDtype.BF16, 0, 0, 1);
        byte[] encoded = encode(codec, part, 2, new Attention(1).kv(part));
        assertFalse(codec.knowsProfile(0));
        assertTrue(codec.knowsProfile(ID));
        for (Setting setting : new Setting[] {new Setting(2, 0), new Setting(7, ID)}) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 64);
                MemorySegment bytes = copy(arena, encoded);
                assertThrows(
                        BatonException.class, () -> codec.decode(part, setting, bytes, scratch));
            }
        }
    }

    @Test
    void profilesAreTheSameBytesEverywhere() throws NoSuchAlgorithmException {
        byte[] bytes = PROFILE.toBytes();
        assertArrayEquals(bytes, KltProfile.parse(MemorySegment.ofArray(bytes)).toBytes());
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
        assertEquals(
                "6bf80f811e5762cf41dc84256d336517e3fffe9723b413e2be689cae627d885a",
                HexFormat.of().formatHex(hash),
                "what a profile is made by has changed: existing ones are no longer found");
    }

    @Test
    void brokenProfilesAreRefused() {
        byte[] bytes = PROFILE.toBytes();
        for (int length = 0; length < bytes.length; length += 97) {
            MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(bytes, length));
            assertThrows(IllegalArgumentException.class, () -> KltProfile.parse(cut));
        }
        for (int at : new int[] {0, 2, 4, 6}) {
            byte[] wrong = bytes.clone();
            ByteBuffer.wrap(wrong).order(ByteOrder.LITTLE_ENDIAN).putShort(at, (short) 0x7fff);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> KltProfile.parse(MemorySegment.ofArray(wrong)));
        }
        byte[] infinite = bytes.clone();
        ByteBuffer.wrap(infinite)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(8, Float.POSITIVE_INFINITY);
        assertThrows(
                IllegalArgumentException.class,
                () -> KltProfile.parse(MemorySegment.ofArray(infinite)));
        byte[] table = bytes.clone();
        table[table.length - 1] ^= 1;
        assertThrows(
                IllegalArgumentException.class,
                () -> KltProfile.parse(MemorySegment.ofArray(table)));
    }

    @Test
    void theFormatIsWrittenDown() throws IOException {
        PartShape part = Attention.part(KvDtype.BF16, 1, 0, 2);
        byte[] raw = new Attention(20).kv(part);
        raw[1001] = 0x43;
        Golden.check("klt-part.bin", encode(reference, part, 1, raw));
    }
}
