package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KvProfileTest {
    private static final KvProfile.Model MODEL = new KvProfile.Model("model-1", 3, 2, 8);

    private static MemorySegment bytes(int size) {
        byte[] bytes = new byte[size];
        new SplittableRandom(size).nextBytes(bytes);
        return MemorySegment.ofArray(bytes);
    }

    private static KvProfile profile() {
        return KvProfile.make(MODEL, Map.of("klt", bytes(100), "cachegen", bytes(64)));
    }

    private static byte[] raw(KvProfile profile) {
        return profile.bytes().toArray(JAVA_BYTE);
    }

    private static KvProfile read(byte[] bytes) {
        return KvProfile.read(MemorySegment.ofArray(bytes));
    }

    /** With a checksum that fits, so that what comes after it is looked at. */
    private static byte[] sealed(byte[] bytes) throws Exception {
        byte[] sum =
                MessageDigest.getInstance("SHA-256")
                        .digest(Arrays.copyOf(bytes, bytes.length - 32));
        System.arraycopy(sum, 0, bytes, bytes.length - 32, 32);
        return bytes;
    }

    @Test
    void theFormatIsWrittenDown() throws IOException {
        Golden.check("profile.bin", raw(profile()));
    }

    @Test
    void whatIsWrittenIsRead(@TempDir Path folder) throws IOException {
        KvProfile made = profile();
        Path file = folder.resolve("deeper/one" + KvProfiles.EXTENSION);
        made.write(file);
        made.write(file);
        KvProfile back = KvProfile.read(file);
        assertEquals(made, back);
        assertEquals(made.id(), back.id());
        assertNotEquals(0, back.id());
        assertEquals(MODEL, back.model());
        assertEquals(List.of("cachegen", "klt"), List.copyOf(back.sections().keySet()));
        MemorySegment klt = back.section("klt").orElseThrow();
        assertEquals(-1, klt.mismatch(bytes(100)));
        assertTrue(klt.isReadOnly());
        assertEquals(0, klt.address() % 64);
        assertTrue(back.section("other").isEmpty());
        try (var left = Files.list(file.getParent())) {
            assertEquals(1, left.count(), "nothing unfinished is left");
        }
    }

    @Test
    void equalContentsGiveEqualBytes() {
        Map<String, MemorySegment> otherWay = new LinkedHashMap<>();
        otherWay.put("klt", bytes(100));
        otherWay.put("cachegen", bytes(64));
        assertArrayEquals(raw(profile()), raw(KvProfile.make(MODEL, otherWay)));
        KvProfile other = KvProfile.make(MODEL, Map.of("klt", bytes(101)));
        assertNotEquals(profile().id(), other.id());
        assertNotEquals(profile(), other);
    }

    @Test
    void nothingIsWrittenThatCouldNotBeRead() {
        Map<String, MemorySegment> many = new LinkedHashMap<>();
        for (int i = 0; i <= KvProfile.MAX_SECTIONS; i++) {
            many.put("s" + i, bytes(1));
        }
        assertThrows(IllegalArgumentException.class, () -> KvProfile.make(MODEL, many));
        for (String name : new String[] {"", "A", "a b", "a".repeat(49)}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> KvProfile.make(MODEL, Map.of(name, bytes(1))));
        }
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        KvProfile.make(
                                MODEL,
                                Map.of("a", MemorySegment.NULL.reinterpret(KvProfile.MAX_BYTES))));
        assertThrows(
                IllegalArgumentException.class, () -> new KvProfile.Model("x".repeat(97), 1, 1, 1));
        assertEquals(0, KvProfile.make(MODEL, Map.of()).sections().size());
    }

    @Test
    void anyChangedBitIsRefused() {
        byte[] valid = raw(profile());
        for (int bit = 0; bit < 8 * valid.length; bit++) {
            byte[] bytes = valid.clone();
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
            BatonException e = assertThrows(BatonException.class, () -> read(bytes));
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
        }
        for (int length = 0; length < valid.length; length++) {
            byte[] bytes = Arrays.copyOf(valid, length);
            assertThrows(BatonException.class, () -> read(bytes));
        }
    }

    @Test
    void bytesWithTheRightChecksumAreReadAsTheyWouldBeWrittenOrRefused() throws Exception {
        byte[] valid = raw(profile());
        SplittableRandom random = new SplittableRandom(3);
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes =
                    random.nextInt(8) == 0
                            ? Arrays.copyOf(valid, 160 + random.nextInt(2 * valid.length))
                            : valid.clone();
            for (int times = random.nextInt(4); times > 0; times--) {
                int at = random.nextInt(random.nextBoolean() ? 256 : bytes.length);
                bytes[at % bytes.length] = (byte) (random.nextBoolean() ? random.nextInt() : 0);
            }
            try {
                KvProfile back = read(sealed(bytes));
                assertArrayEquals(bytes, raw(KvProfile.make(back.model(), back.sections())));
            } catch (BatonException e) {
                assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
                refused++;
            }
        }
        assertTrue(refused > 2_000 && refused < 18_000, "refused " + refused);
    }

    @Test
    void aFolderIsReadWhenItIsAsked(@TempDir Path folder) throws IOException {
        Path profiles = folder.resolve("profiles");
        KvProfile one = profile();
        KvProfiles writer = KvProfiles.in(profiles);
        assertTrue(writer.find(one.id()).isEmpty());
        writer.keep(one);
        assertSame(one, writer.known(one.id()));

        KvProfiles reader = KvProfiles.in(profiles);
        assertNull(reader.known(one.id()));
        assertEquals(one, reader.find(one.id()).orElseThrow());
        assertSame(reader.known(one.id()), reader.find(one.id()).orElseThrow());

        // A file under a false name, and one that is no profile, are passed over.
        Files.move(
                profiles.resolve(one.name() + KvProfiles.EXTENSION),
                profiles.resolve(KvProfile.name(5) + KvProfiles.EXTENSION));
        Files.write(profiles.resolve("broken" + KvProfiles.EXTENSION), new byte[500]);
        assertTrue(KvProfiles.in(profiles).find(5).isEmpty());
        assertEquals(one, KvProfiles.in(profiles).of(MODEL, List.of("klt")).orElseThrow());
    }

    @Test
    void theProfileOfAModelIsChosenAlikeEverywhere() {
        KvProfiles profiles = KvProfiles.inMemory();
        List<KvProfile> fitting = new ArrayList<>();
        for (int i = 1; i < 6; i++) {
            fitting.add(KvProfile.make(MODEL, Map.of("klt", bytes(i))));
            profiles.add(fitting.getLast());
        }
        KvProfile.Model other = new KvProfile.Model("model-2", 3, 2, 8);
        KvProfile others = KvProfile.make(other, Map.of("klt", bytes(9)));
        profiles.add(others);
        KvProfile lowest =
                fitting.stream().min((a, b) -> Long.compareUnsigned(a.id(), b.id())).orElseThrow();
        assertEquals(lowest, profiles.of(MODEL, List.of("klt")).orElseThrow());
        assertTrue(profiles.of(MODEL, List.of("klt", "cachegen")).isEmpty());
        assertThrows(BatonException.class, () -> others.require(MODEL));
        assertSame(others, others.require(other));
    }

    @Test
    void thereAreAsManyInMemoryAsTheLimitSays() {
        KvProfiles profiles = KvProfiles.inMemory();
        for (int i = 0; i < KvProfiles.MAX_PROFILES; i++) {
            profiles.add(KvProfile.make(MODEL, Map.of("klt", bytes(i))));
        }
        profiles.add(KvProfile.make(MODEL, Map.of("klt", bytes(0))));
        BatonException e = assertThrows(BatonException.class, () -> profiles.add(profile()));
        assertEquals(ErrorCode.OVERLOADED, e.code());
    }
}
