package io.baton.kv.codec;

import java.lang.foreign.MemorySegment;

/**
 * Encodes and decodes one part of KV. What is needed to decode (id, level, profile, lengths, shape)
 * stands in the frame header, so a part explains itself. The id names the format <em>and its
 * version</em>: a changed format takes a new id, and peers agree on ids when they connect.
 *
 * <p>Encoded bytes come from a peer: {@link #decode} checks everything that it reads, allocates
 * nothing, and writes exactly {@link PartShape#rawBytes()} bytes or throws.
 */
public interface KvCodec {
    /** Format and version on the wire, 1..65535. */
    int id();

    /** Name for logs and configuration. */
    String name();

    /** Whether decoding gives back the very bytes; only such codecs may serve exact KV. */
    boolean lossless();

    /** Highest level; levels are 0..255. */
    int maxLevel();

    /** Whether this codec knows the calibration profile; 0 is none. */
    boolean knowsProfile(long profile);

    /** Makes a known profile ready for use, which may take a second: never on an I/O thread. */
    default void prepare(long profile) {}

    /** The most bytes that encoding such a part can give. A peer that claims more is refused. */
    long maxEncodedBytes(PartShape part);

    /** Bytes of scratch memory that {@link #encode} and {@link #decode} need for such a part. */
    long scratchBytes(PartShape part);

    /**
     * Encodes a part.
     *
     * @param raw {@link PartShape#rawBytes()} bytes
     * @param scratch at least {@link #scratchBytes} bytes
     * @return the encoded bytes: a slice of {@code scratch}, or {@code raw} itself where the
     *     encoding changes nothing
     */
    MemorySegment encode(PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch);

    /**
     * Decodes a part.
     *
     * @return the raw bytes: a slice of {@code scratch}, or {@code encoded} itself
     * @throws io.baton.common.error.BatonException KV_TRANSFER_FAILED if the bytes are not a valid
     *     encoding of such a part
     */
    MemorySegment decode(
            PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch);

    /**
     * How a part is coded.
     *
     * @param level 0..{@link #maxLevel()}
     * @param profile calibration profile, 0 for none
     */
    record Setting(int level, long profile) {
        /** Level 0, no profile. */
        public static final Setting PLAIN = new Setting(0, 0);
    }
}
