package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * The bytes of a {@link KvProfile}, all little-endian:
 *
 * <pre>
 *    0  u32 magic "BTKP"
 *    4  u16 version 1
 *    6  u16 sections
 *    8  u64 bytes in all
 *   16  u32 layers
 *   20  u32 KV heads
 *   24  u32 elements of a head
 *   28  u32 zero
 *   32  fingerprint in UTF-8, zeros up to 96 bytes
 *  128  for each section: name in ASCII, zeros up to 48 bytes; u64 offset; u64 bytes
 *       sections in the order of their names, each at the next offset that 64 divides, zeros between
 *       zeros up to an offset that 64 divides
 *  -32  SHA-256 of everything before
 * </pre>
 *
 * There is one way to write given contents, and a reader accepts no other.
 */
final class ProfileFormat {
    static final int FINGERPRINT_BYTES = 96;
    static final int NAME_BYTES = 48;
    static final long ALIGNMENT = 64;

    private static final int MAGIC = 0x504B5442;
    private static final int VERSION = 1;
    private static final long HEAD_BYTES = 128;
    private static final long ENTRY_BYTES = 64;
    private static final long FINGERPRINT_AT = 32;
    private static final int CHECKSUM_BYTES = 32;
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private ProfileFormat() {}

    /** What {@link #read} finds. */
    record Contents(KvProfile.Model model, SequencedMap<String, MemorySegment> sections) {}

    /** The number of a profile whose bytes were checked. */
    static long id(MemorySegment bytes) {
        return bytes.get(U64, bytes.byteSize() - CHECKSUM_BYTES);
    }

    static byte[] checksum(MemorySegment bytes) {
        return bytes.asSlice(bytes.byteSize() - CHECKSUM_BYTES).toArray(JAVA_BYTE);
    }

    static MemorySegment write(
            KvProfile.Model model, SequencedMap<String, MemorySegment> sections) {
        if (sections.size() > KvProfile.MAX_SECTIONS) {
            throw new IllegalArgumentException(
                    "%d sections, limit %d".formatted(sections.size(), KvProfile.MAX_SECTIONS));
        }
        long size = HEAD_BYTES + ENTRY_BYTES * sections.size();
        for (Map.Entry<String, MemorySegment> section : sections.entrySet()) {
            if (!isName(section.getKey())) {
                throw new IllegalArgumentException("a section named '" + section.getKey() + "'");
            }
            size = Math.addExact(size, aligned(section.getValue().byteSize()));
        }
        size = Math.addExact(size, CHECKSUM_BYTES);
        if (size > KvProfile.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "%d bytes, limit %d".formatted(size, KvProfile.MAX_BYTES));
        }
        MemorySegment out = Arena.ofAuto().allocate(size, ALIGNMENT);
        out.set(U32, 0, MAGIC);
        out.set(U16, 4, (short) VERSION);
        out.set(U16, 6, (short) sections.size());
        out.set(U64, 8, size);
        out.set(U32, 16, model.layers());
        out.set(U32, 20, model.kvHeads());
        out.set(U32, 24, model.headDim());
        put(out, FINGERPRINT_AT, model.fingerprint());
        long entry = HEAD_BYTES;
        long at = HEAD_BYTES + ENTRY_BYTES * sections.size();
        for (Map.Entry<String, MemorySegment> section : sections.entrySet()) {
            MemorySegment data = section.getValue();
            put(out, entry, section.getKey());
            out.set(U64, entry + NAME_BYTES, at);
            out.set(U64, entry + NAME_BYTES + 8, data.byteSize());
            MemorySegment.copy(data, 0, out, at, data.byteSize());
            entry += ENTRY_BYTES;
            at += aligned(data.byteSize());
        }
        byte[] checksum = sha256(out.asSlice(0, at));
        MemorySegment.copy(checksum, 0, out, JAVA_BYTE, at, CHECKSUM_BYTES);
        return out;
    }

    static void requireSize(long size) {
        if (size < HEAD_BYTES + CHECKSUM_BYTES || size > KvProfile.MAX_BYTES) {
            throw invalid(
                    "it has %d bytes, limits are %d and %d"
                            .formatted(size, HEAD_BYTES + CHECKSUM_BYTES, KvProfile.MAX_BYTES));
        }
    }

    /**
     * Checks and reads.
     *
     * @throws BatonException KV_TRANSFER_FAILED if the bytes are no profile
     */
    static Contents read(MemorySegment in) {
        requireSize(in.byteSize());
        if (in.get(U32, 0) != MAGIC || in.get(U16, 4) != VERSION) {
            throw invalid("it does not begin with BTKP and version " + VERSION);
        }
        if (in.get(U64, 8) != in.byteSize()) {
            throw invalid("it has %d bytes and says %d".formatted(in.byteSize(), in.get(U64, 8)));
        }
        long end = in.byteSize() - CHECKSUM_BYTES;
        byte[] checksum = in.asSlice(end).toArray(JAVA_BYTE);
        if (!MessageDigest.isEqual(checksum, sha256(in.asSlice(0, end))) || id(in) == 0) {
            throw invalid("its checksum is wrong");
        }
        int count = Short.toUnsignedInt(in.get(U16, 6));
        long at = HEAD_BYTES + ENTRY_BYTES * count;
        if (count > KvProfile.MAX_SECTIONS || at > end || in.get(U32, 28) != 0) {
            throw invalid("%d sections, limit %d".formatted(count, KvProfile.MAX_SECTIONS));
        }
        TreeMap<String, MemorySegment> sections = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            long entry = HEAD_BYTES + ENTRY_BYTES * i;
            String name = text(in, entry, NAME_BYTES);
            long offset = in.get(U64, entry + NAME_BYTES);
            long length = in.get(U64, entry + NAME_BYTES + 8);
            boolean inOrder = sections.isEmpty() || sections.lastKey().compareTo(name) < 0;
            if (!isName(name) || !inOrder || offset != at || length < 0 || length > end - at) {
                throw invalid("section %d is out of order or out of bounds".formatted(i));
            }
            at += aligned(length);
            if (at > end || !isZero(in.asSlice(offset + length, at - offset - length))) {
                throw invalid("section %d ends outside of it".formatted(i));
            }
            sections.put(name, in.asSlice(offset, length));
        }
        if (at != end) {
            throw invalid("%d bytes belong to no section".formatted(end - at));
        }
        return new Contents(model(in), Collections.unmodifiableSequencedMap(sections));
    }

    private static KvProfile.Model model(MemorySegment in) {
        try {
            return new KvProfile.Model(
                    text(in, FINGERPRINT_AT, FINGERPRINT_BYTES),
                    in.get(U32, 16),
                    in.get(U32, 20),
                    in.get(U32, 24));
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private static void put(MemorySegment out, long at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment.copy(bytes, 0, out, JAVA_BYTE, at, bytes.length);
    }

    /** Text up to the first zero; what follows must be zeros, and the text valid UTF-8. */
    private static String text(MemorySegment in, long at, int room) {
        byte[] bytes = in.asSlice(at, room).toArray(JAVA_BYTE);
        int length = 0;
        while (length < room && bytes[length] != 0) {
            length++;
        }
        String text = new String(bytes, 0, length, StandardCharsets.UTF_8);
        MemorySegment again = MemorySegment.ofArray(new byte[room]);
        if (text.getBytes(StandardCharsets.UTF_8).length == length) {
            put(again, 0, text);
        }
        if (again.mismatch(MemorySegment.ofArray(bytes)) >= 0) {
            throw invalid("a text in it is not UTF-8 followed by zeros");
        }
        return text;
    }

    private static boolean isName(String name) {
        return name.length() <= NAME_BYTES && name.matches("[a-z0-9-]+");
    }

    private static boolean isZero(MemorySegment bytes) {
        for (long at = 0; at < bytes.byteSize(); at++) {
            if (bytes.get(JAVA_BYTE, at) != 0) {
                return false;
            }
        }
        return true;
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    private static byte[] sha256(MemorySegment bytes) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(bytes.asByteBuffer());
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static BatonException invalid(String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED, "these bytes are no KV profile: " + why);
    }
}
