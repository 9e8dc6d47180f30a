package io.baton.kv.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.entropy.RansCoders;
import io.baton.kernels.entropy.ReferenceRans;
import io.baton.kernels.kv.KvKernelsChoice;
import io.baton.kernels.kv.ReferenceKv;
import io.baton.kv.codec.KvCodec.Setting;
import io.baton.kv.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** int8 and cachegen. */
class LossyCodecsTest {
    private static final int MUTATIONS = 3000;
    private static final KvProfile.Model MODEL = new KvProfile.Model("model-1", 6, 2, 32);

    private final KvProfiles profiles = KvProfiles.inMemory();
    private final KvCodec int8 = new Int8Codec(new ReferenceKv());
    private final KvCodec cacheGen =
            new CacheGenCodec(new ReferenceRans(), new ReferenceKv(), profiles);
    private final SplittableRandom random = new SplittableRandom(17);

    private static PartShape part(KvDtype dtype, int layers, int firstToken, int blocks) {
        return new PartShape(new KvLayout(6, 2, 32, dtype, 16), 1, layers, firstToken, blocks);
    }

    private static byte[] encode(KvCodec codec, PartShape part, Setting setting, byte[] raw) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 8);
            scratch.fill((byte) 0x3c);
            byte[] encoded =
                    codec.encode(part, setting, copy(arena, raw), scratch)
                            .toArray(ValueLayout.JAVA_BYTE);
            assertTrue(encoded.length <= codec.maxEncodedBytes(part));
            return encoded;
        }
    }

    private static byte[] decode(KvCodec codec, PartShape part, Setting setting, byte[] encoded) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(codec.scratchBytes(part), 8);
            scratch.fill((byte) 0x5a);
            return codec.decode(part, setting, copy(arena, encoded), scratch)
                    .toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static MemorySegment copy(Arena arena, byte[] bytes) {
        return arena.allocate(Math.max(1, bytes.length), 8)
                .asSlice(0, bytes.length)
                .copyFrom(MemorySegment.ofArray(bytes));
    }

    private KvProfile profile(int seed) {
        CacheGenStatistics statistics = new CacheGenStatistics(MODEL, new ReferenceKv());
        PartShape part = new PartShape(new KvLayout(6, 2, 32, KvDtype.BF16, 16), 0, 6, 0, 8);
        try (Arena arena = Arena.ofConfined()) {
            statistics.add(part, copy(arena, SomeKv.alike(part, 0, new SplittableRandom(seed))));
        }
        KvProfile profile =
                KvProfile.make(MODEL, Map.of(CacheGenStatistics.SECTION, statistics.section()));
        profiles.add(profile);
        return profile;
    }

    @ParameterizedTest
    @EnumSource(
            value = KvDtype.class,
            names = {"BF16", "F16"})
    void int8IsHalfAndNear(KvDtype dtype) {
        for (int layers = 1; layers <= 2; layers++) {
            for (int blocks : new int[] {1, 5, 16}) {
                PartShape part = part(dtype, layers, 0, blocks);
                byte[] raw = SomeKv.alike(part, 7, random);
                byte[] encoded = encode(int8, part, Setting.PLAIN, raw);
                assertTrue(encoded.length < raw.length * 0.55 + 300, "bytes " + encoded.length);
                byte[] back = decode(int8, part, Setting.PLAIN, encoded);
                assertTrue(SomeKv.error(part, raw, back) < 1e-4);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = KvDtype.class,
            names = {"BF16", "F16"})
    void cacheGenIsSmallerAndCoarserFromLevelToLevel(KvDtype dtype) {
        PartShape part = part(dtype, 2, 32, 16);
        byte[] raw = SomeKv.alike(part, 7, random);
        int bytes = raw.length;
        double error = 0;
        for (int level = 0; level <= cacheGen.maxLevel(); level++) {
            Setting setting = new Setting(level, 0);
            byte[] encoded = encode(cacheGen, part, setting, raw);
            byte[] back = decode(cacheGen, part, setting, encoded);
            double now = SomeKv.error(part, raw, back);
            int then = encoded.length;
            assertTrue(then < bytes, "level " + level + ": " + then + " bytes after " + bytes);
            assertTrue(now > error, "level " + level + ": " + now + " after " + error);
            bytes = then;
            error = now;
            for (int token = 256 - 7; token < 256; token++) {
                assertEquals(
                        0, SomeKv.value(part, back, 15 * 2 * 2 * 16 * 32 + (token - 240) * 32));
            }
        }
        assertTrue(error < 0.02, "error " + error);
    }

    @Test
    void theFirstFourPositionsAreExact() {
        PartShape part = part(KvDtype.BF16, 2, 0, 3);
        byte[] raw = SomeKv.alike(part, 0, random);
        byte[] back =
                decode(
                        cacheGen,
                        part,
                        new Setting(5, 0),
                        encode(cacheGen, part, new Setting(5, 0), raw));
        for (int head = 0; head < 4; head++) {
            int at = head * 16 * 32;
            for (int i = 0; i < 4 * 32; i++) {
                assertEquals(SomeKv.value(part, raw, at + i), SomeKv.value(part, back, at + i));
            }
            assertFalse(Arrays.equals(raw, 2 * at, 2 * at + 2048, back, 2 * at, 2 * at + 2048));
        }
    }

    @Test
    void oddTailsAndEmptyPartsComeBack() {
        for (int blocks = 1; blocks <= 3; blocks++) {
            for (int firstToken : new int[] {0, 64}) {
                for (int empty = 0; empty <= 16 * blocks; empty++) {
                    PartShape part = part(KvDtype.BF16, 1, firstToken, blocks);
                    byte[] raw = SomeKv.alike(part, empty, random);
                    byte[] encoded = encode(cacheGen, part, new Setting(0, 0), raw);
                    byte[] back = decode(cacheGen, part, new Setting(0, 0), encoded);
                    if (empty == 16 * blocks) {
                        assertArrayEquals(raw, back);
                    } else {
                        assertTrue(SomeKv.error(part, raw, back) < 2e-3);
                    }
                }
            }
        }
    }

    @Test
    void tablesOfAProfileSaveBytesAndBothSidesNeedThem() {
        KvProfile profile = profile(3);
        assertEquals(profile, profile(3), "equal parts give equal bytes");
        PartShape part = part(KvDtype.BF16, 1, 64, 16);
        byte[] raw = SomeKv.alike(part, 0, random);
        for (int level = 0; level <= cacheGen.maxLevel(); level++) {
            Setting alone = new Setting(level, 0);
            Setting with = new Setting(level, profile.id());
            byte[] encoded = encode(cacheGen, part, with, raw);
            assertTrue(encoded.length < encode(cacheGen, part, alone, raw).length);
            double error = SomeKv.error(part, raw, decode(cacheGen, part, with, encoded));
            assertTrue(error < 0.02, "error " + error);
            KvCodec stranger =
                    new CacheGenCodec(
                            new ReferenceRans(), new ReferenceKv(), KvProfiles.inMemory());
            assertTrue(cacheGen.knowsProfile(profile.id()));
            assertFalse(stranger.knowsProfile(profile.id()));
            assertThrows(BatonException.class, () -> decode(stranger, part, with, encoded));
        }
    }

    @Test
    void anyProfileWithAChecksumGivesAPartOrATypedError() {
        KvProfile valid = profile(4);
        byte[] section = valid.section("cachegen").orElseThrow().toArray(ValueLayout.JAVA_BYTE);
        PartShape part = part(KvDtype.BF16, 1, 64, 2);
        byte[] raw = SomeKv.alike(part, 0, random);
        int refused = 0;
        for (int i = 0; i < 500; i++) {
            byte[] bytes =
                    random.nextInt(3) == 0
                            ? Arrays.copyOf(section, random.nextInt(section.length))
                            : section.clone();
            for (int times = random.nextInt(3); times > 0 && bytes.length > 0; times--) {
                int most = random.nextBoolean() ? Math.min(200, bytes.length) : bytes.length;
                bytes[random.nextInt(most)] = (byte) random.nextInt();
            }
            KvProfiles own = KvProfiles.inMemory();
            KvProfile profile =
                    KvProfile.make(MODEL, Map.of("cachegen", MemorySegment.ofArray(bytes)));
            own.add(profile);
            KvCodec codec = new CacheGenCodec(new ReferenceRans(), new ReferenceKv(), own);
            Setting setting = new Setting(random.nextInt(6), profile.id());
            try {
                byte[] encoded = encode(codec, part, setting, raw);
                assertEquals(raw.length, decode(codec, part, setting, encoded).length);
            } catch (BatonException e) {
                assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
                refused++;
            }
        }
        assertTrue(refused > 50, "refused " + refused);
    }

    @Test
    void otherElementsAndHugeValuesAreSentAsTheyAre() {
        for (KvCodec codec : new KvCodec[] {int8, cacheGen}) {
            for (KvDtype dtype : KvDtype.values()) {
                PartShape part = part(dtype, 1, 0, 3);
                byte[] raw = new byte[(int) part.rawBytes()];
                Arrays.fill(raw, (byte) 0x7f);
                byte[] encoded = encode(codec, part, Setting.PLAIN, raw);
                assertEquals(raw.length + 1, encoded.length);
                assertArrayEquals(raw, decode(codec, part, Setting.PLAIN, encoded));
            }
        }
    }

    @Test
    void bytesFromAnywhereGiveAPartOrATypedError() {
        PartShape part = part(KvDtype.BF16, 2, 0, 3);
        for (KvCodec codec : new KvCodec[] {int8, cacheGen}) {
            byte[] valid = encode(codec, part, Setting.PLAIN, SomeKv.alike(part, 5, random));
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
                    byte[] back = decode(codec, part, new Setting(0, 0), bytes);
                    assertEquals(part.rawBytes(), back.length);
                } catch (BatonException e) {
                    assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
                    refused++;
                }
            }
            assertTrue(refused > MUTATIONS / 5, codec.name() + " refused " + refused);
        }
    }

    @Test
    void whicheverKernelsRunTheBytesAreThose() {
        PartShape part = part(KvDtype.BF16, 2, 0, 16);
        byte[] raw = SomeKv.alike(part, 5, random);
        KvCodec fastest =
                new CacheGenCodec(RansCoders.fastest(), KvKernelsChoice.fastest(), profiles);
        KvCodec fastBytes = new Int8Codec(KvKernelsChoice.fastest());
        assertArrayEquals(
                encode(int8, part, Setting.PLAIN, raw),
                encode(fastBytes, part, Setting.PLAIN, raw));
        for (long profile : new long[] {0, profile(5).id()}) {
            for (int level = 0; level <= fastest.maxLevel(); level++) {
                Setting setting = new Setting(level, profile);
                byte[] encoded = encode(cacheGen, part, setting, raw);
                assertArrayEquals(encoded, encode(fastest, part, setting, raw));
                assertArrayEquals(
                        decode(cacheGen, part, setting, encoded),
                        decode(fastest, part, setting, encoded));
            }
        }
    }

    @Test
    void theFormatsAreWrittenDown() throws IOException {
        PartShape part = new PartShape(new KvLayout(4, 1, 8, KvDtype.BF16, 16), 0, 1, 0, 3);
        byte[] raw = SomeKv.alike(part, 4, random);
        Golden.check("int8-part.bin", encode(int8, part, Setting.PLAIN, raw));
        Golden.check("cachegen-part.bin", encode(cacheGen, part, new Setting(2, 0), raw));
    }
}
