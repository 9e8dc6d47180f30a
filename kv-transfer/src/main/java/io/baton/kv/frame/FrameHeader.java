package io.baton.kv.frame;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A view of one frame header inside a buffer: reads and writes fields in place, allocates nothing.
 * All fields are little-endian. The specification is docs/protocol.md; golden files pin it.
 *
 * <pre>
 *      0         1         2         3         4         5         6         7
 *   0  +---------------------------------------+---------+---------+-------------------+
 *      |  magic "BTKF"                         | version |  type   |   header bytes    |
 *   8  +---------------------------------------+---------+---------+-------------------+
 *      |  payload bytes                        |  raw bytes                            |
 *  16  +---------------------------------------+---------------------------------------+
 *      |  transfer                                                                     |
 *  24  +-------------------------------------------------------------------------------+
 *      |  incarnation of the receiver                                                  |
 *  32  +-------------------------------------------------------------------------------+
 *      |  sequence                                                                     |
 *  40  +---------------------------------------+---------------------------------------+
 *      |  epoch                                |  chunk index                          |
 *  48  +-------------------+-------------------+---------------------------------------+
 *      |  fragment index   |  fragment count   |  first token                          |
 *  56  +-------------------+-------------------+-------------------+-------------------+
 *      |  token count                          |  first layer      |  layer count      |
 *  64  +---------+---------+-------------------+-------------------+-------------------+
 *      |  form   |  level  |  codec            |  flags (zero)                         |
 *  72  +---------+---------+-------------------+---------------------------------------+
 *      |  codec profile                                                                |
 *  80  +---------------------------------------+---------------------------------------+
 *      |  reserved (zero)                      |  CRC32C                               |
 *  88  +---------------------------------------+---------------------------------------+
 *      |  payload ...
 * </pre>
 *
 * <p>Not safe for several threads.
 */
public final class FrameHeader {
    /** "BTKF" as a little-endian int. */
    public static final int MAGIC = 0x464B5442;

    /** Format version. */
    public static final int VERSION = 1;

    /** Bytes of a header. */
    public static final int BYTES = 88;

    /** Longest payload of any frame. */
    public static final int MAX_PAYLOAD_BYTES = 1 << 20;

    /** Longest trailer of a transfer. */
    public static final int MAX_TRAILER_BYTES = 64 << 10;

    /** Longest reason in REFUSED, ABORT and CLOSED. */
    public static final int MAX_TEXT_BYTES = 4 << 10;

    /** Longest payload before the peer has proved itself. */
    public static final int MAX_HANDSHAKE_BYTES = 8 << 10;

    /** Longest frame. */
    public static final int MAX_FRAME_BYTES = BYTES + MAX_PAYLOAD_BYTES;

    /** The flag of a DATA frame in shared memory whose checksum is of the header alone. */
    public static final int PAYLOAD_UNCHECKED = 1;

    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = 4;
    static final int TYPE_OFFSET = 5;
    static final int HEADER_BYTES_OFFSET = 6;
    static final int PAYLOAD_BYTES_OFFSET = 8;
    static final int RAW_BYTES_OFFSET = 12;
    static final int TRANSFER_OFFSET = 16;
    static final int INCARNATION_OFFSET = 24;
    static final int SEQUENCE_OFFSET = 32;
    static final int EPOCH_OFFSET = 40;
    static final int CHUNK_INDEX_OFFSET = 44;
    static final int FRAGMENT_INDEX_OFFSET = 48;
    static final int FRAGMENT_COUNT_OFFSET = 50;
    static final int FIRST_TOKEN_OFFSET = 52;
    static final int TOKEN_COUNT_OFFSET = 56;
    static final int FIRST_LAYER_OFFSET = 60;
    static final int LAYER_COUNT_OFFSET = 62;
    static final int FORM_OFFSET = 64;
    static final int CODEC_LEVEL_OFFSET = 65;
    static final int CODEC_OFFSET = 66;
    static final int FLAGS_OFFSET = 68;
    static final int CODEC_PROFILE_OFFSET = 72;
    static final int RESERVED_OFFSET = 80;
    static final int CRC_OFFSET = 84;

    private ByteBuffer buffer = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private int base;

    /** Points the view at a header; the buffer must be little-endian and hold it whole. */
    public FrameHeader wrap(ByteBuffer littleEndian, int offset) {
        if (littleEndian.order() != ByteOrder.LITTLE_ENDIAN) {
            throw new IllegalArgumentException("frames are little-endian");
        }
        buffer = littleEndian;
        base = offset;
        return this;
    }

    /** Zeroes the header and sets magic, version, type and header length. */
    public FrameHeader begin(FrameType type) {
        for (int at = 0; at < BYTES; at += Long.BYTES) {
            buffer.putLong(base + at, 0);
        }
        buffer.putInt(base + MAGIC_OFFSET, MAGIC);
        buffer.put(base + VERSION_OFFSET, (byte) VERSION);
        buffer.put(base + TYPE_OFFSET, (byte) type.id());
        buffer.putShort(base + HEADER_BYTES_OFFSET, (short) BYTES);
        return this;
    }

    public int magic() {
        return buffer.getInt(base + MAGIC_OFFSET);
    }

    public int version() {
        return buffer.get(base + VERSION_OFFSET) & 0xff;
    }

    public int typeId() {
        return buffer.get(base + TYPE_OFFSET) & 0xff;
    }

    /** The type; only for a header that a {@link FrameReader} accepted. */
    public FrameType type() {
        FrameType type = FrameType.of(typeId());
        if (type == null) {
            throw new IllegalStateException("unchecked frame header of type " + typeId());
        }
        return type;
    }

    public int headerBytes() {
        return buffer.getShort(base + HEADER_BYTES_OFFSET) & 0xffff;
    }

    /** Bytes after the header; a peer's value may be negative until it is checked. */
    public int payloadBytes() {
        return buffer.getInt(base + PAYLOAD_BYTES_OFFSET);
    }

    public FrameHeader payloadBytes(int value) {
        buffer.putInt(base + PAYLOAD_BYTES_OFFSET, value);
        return this;
    }

    /** Bytes of the decoded part, all fragments together. */
    public int rawBytes() {
        return buffer.getInt(base + RAW_BYTES_OFFSET);
    }

    public FrameHeader rawBytes(int value) {
        buffer.putInt(base + RAW_BYTES_OFFSET, value);
        return this;
    }

    public long transfer() {
        return buffer.getLong(base + TRANSFER_OFFSET);
    }

    public long incarnation() {
        return buffer.getLong(base + INCARNATION_OFFSET);
    }

    public int epoch() {
        return buffer.getInt(base + EPOCH_OFFSET);
    }

    /** Sets what fences a frame: transfer, attempt epoch, incarnation of the receiver. */
    public FrameHeader identity(long transfer, int epoch, long incarnation) {
        buffer.putLong(base + TRANSFER_OFFSET, transfer);
        buffer.putInt(base + EPOCH_OFFSET, epoch);
        buffer.putLong(base + INCARNATION_OFFSET, incarnation);
        return this;
    }

    /** Number of the frame within its transfer and direction, from 0. */
    public long sequence() {
        return buffer.getLong(base + SEQUENCE_OFFSET);
    }

    public FrameHeader sequence(long value) {
        buffer.putLong(base + SEQUENCE_OFFSET, value);
        return this;
    }

    /** First token / chunk tokens. */
    public int chunkIndex() {
        return buffer.getInt(base + CHUNK_INDEX_OFFSET);
    }

    /** Position in the sequence of the part's first token. */
    public int firstToken() {
        return buffer.getInt(base + FIRST_TOKEN_OFFSET);
    }

    /** Token rows of the part, whole blocks. */
    public int tokenCount() {
        return buffer.getInt(base + TOKEN_COUNT_OFFSET);
    }

    public FrameHeader tokens(int chunkIndex, int firstToken, int tokenCount) {
        buffer.putInt(base + CHUNK_INDEX_OFFSET, chunkIndex);
        buffer.putInt(base + FIRST_TOKEN_OFFSET, firstToken);
        buffer.putInt(base + TOKEN_COUNT_OFFSET, tokenCount);
        return this;
    }

    public int fragmentIndex() {
        return buffer.getShort(base + FRAGMENT_INDEX_OFFSET) & 0xffff;
    }

    public int fragmentCount() {
        return buffer.getShort(base + FRAGMENT_COUNT_OFFSET) & 0xffff;
    }

    public FrameHeader fragment(int index, int count) {
        buffer.putShort(base + FRAGMENT_INDEX_OFFSET, (short) index);
        buffer.putShort(base + FRAGMENT_COUNT_OFFSET, (short) count);
        return this;
    }

    public int firstLayer() {
        return buffer.getShort(base + FIRST_LAYER_OFFSET) & 0xffff;
    }

    public int layerCount() {
        return buffer.getShort(base + LAYER_COUNT_OFFSET) & 0xffff;
    }

    public FrameHeader layers(int first, int count) {
        buffer.putShort(base + FIRST_LAYER_OFFSET, (short) first);
        buffer.putShort(base + LAYER_COUNT_OFFSET, (short) count);
        return this;
    }

    public int formId() {
        return buffer.get(base + FORM_OFFSET) & 0xff;
    }

    public int codecId() {
        return buffer.getShort(base + CODEC_OFFSET) & 0xffff;
    }

    public int codecLevel() {
        return buffer.get(base + CODEC_LEVEL_OFFSET) & 0xff;
    }

    public long codecProfile() {
        return buffer.getLong(base + CODEC_PROFILE_OFFSET);
    }

    /** Sets form and coding of the part. */
    public FrameHeader coding(Form form, int codecId, int level, long profile) {
        buffer.put(base + FORM_OFFSET, (byte) form.id());
        buffer.putShort(base + CODEC_OFFSET, (short) codecId);
        buffer.put(base + CODEC_LEVEL_OFFSET, (byte) level);
        buffer.putLong(base + CODEC_PROFILE_OFFSET, profile);
        return this;
    }

    public int flags() {
        return buffer.getInt(base + FLAGS_OFFSET);
    }

    /** Sets {@link #PAYLOAD_UNCHECKED}. */
    FrameHeader payloadUnchecked() {
        buffer.putInt(base + FLAGS_OFFSET, PAYLOAD_UNCHECKED);
        return this;
    }

    /** Whether the checksum is of the header alone. */
    public boolean isPayloadUnchecked() {
        return (flags() & PAYLOAD_UNCHECKED) != 0;
    }

    public int reserved() {
        return buffer.getInt(base + RESERVED_OFFSET);
    }

    public int crc() {
        return buffer.getInt(base + CRC_OFFSET);
    }

    public FrameHeader crc(int value) {
        buffer.putInt(base + CRC_OFFSET, value);
        return this;
    }
}
