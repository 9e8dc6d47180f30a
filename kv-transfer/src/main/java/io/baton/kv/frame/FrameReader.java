package io.baton.kv.frame;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Finds whole, verified frames in a growing buffer. Allocates nothing; never throws on any bytes:
 * they are a frame, not yet one, or wrong for a stated reason. One thread at a time.
 */
public final class FrameReader {
    /** The three answers. */
    public enum Outcome {
        /** A frame that keeps every rule and its checksum. */
        FRAME,
        /** So far nothing is wrong; more bytes are needed. */
        INCOMPLETE,
        /** Not a frame; {@link #error()} says why. Nothing after it can be read. */
        INVALID
    }

    private final FrameHeader header = new FrameHeader();
    private final FrameChecksum checksum = new FrameChecksum();
    private FrameRules rules;
    private @Nullable FrameError error;
    private int neededBytes = FrameHeader.BYTES;
    private boolean payloadsMayBeUnchecked;

    public FrameReader(FrameRules rules) {
        this.rules = rules;
    }

    /** The bytes come through memory: DATA whose checksum is of the header alone may come. */
    public void allowUncheckedPayloads() {
        payloadsMayBeUnchecked = true;
    }

    /** Changes what may come from now on. */
    public void rules(FrameRules next) {
        rules = next;
    }

    /**
     * Looks at {@code buffer[from, to)}.
     *
     * @param buffer little-endian; its position and limit are left as they were
     */
    public Outcome read(ByteBuffer buffer, int from, int to) {
        return read(buffer, from, buffer, from + FrameHeader.BYTES, to - from);
    }

    /**
     * Looks at a frame whose payload lies elsewhere than its header: in memory that a peer may
     * still change, say.
     *
     * @param headers little-endian, with the header at {@code headerAt}
     * @param payloads with what there is of the payload at {@code payloadAt}
     * @param available bytes of header and payload
     */
    public Outcome read(
            ByteBuffer headers, int headerAt, ByteBuffer payloads, int payloadAt, int available) {
        if (error != null) {
            return Outcome.INVALID;
        }
        neededBytes = FrameHeader.BYTES;
        if (available < FrameHeader.BYTES) {
            return Outcome.INCOMPLETE;
        }
        header.wrap(headers, headerAt);
        error = checkHeader();
        if (error != null) {
            return Outcome.INVALID;
        }
        int payloadBytes = header.payloadBytes();
        neededBytes = FrameHeader.BYTES + payloadBytes;
        if (available < neededBytes) {
            return Outcome.INCOMPLETE;
        }
        int checkedBytes = header.isPayloadUnchecked() ? 0 : payloadBytes;
        int crc = checksum.of(headers, headerAt, payloads, payloadAt, checkedBytes);
        if (crc != header.crc()) {
            error = FrameError.CHECKSUM;
            return Outcome.INVALID;
        }
        return Outcome.FRAME;
    }

    /**
     * After INCOMPLETE: whether the header is there and keeps the rules, and the payload is not all
     * there. The header's checksum is known with the payload's only.
     */
    public boolean awaitsPayload() {
        return error == null && neededBytes > FrameHeader.BYTES;
    }

    /**
     * The payload of the header found last is read elsewhere: {@link #payload} is told of every
     * piece, then {@link #endPayload} of the end. Not for frames without a checksum of the payload.
     */
    public void beginPayload(ByteBuffer headers, int headerAt) {
        checksum.begin(headers, headerAt);
    }

    /** The next piece of the payload; position and limit are left as they were. */
    public void payload(ByteBuffer buffer, int at, int bytes) {
        checksum.update(buffer, at, bytes);
    }

    /** Whether the frame holds; it is INVALID from here on if not. */
    public boolean endPayload() {
        if (checksum.value() != header.crc()) {
            error = FrameError.CHECKSUM;
        }
        return error == null;
    }

    /** The header of the frame found last. */
    public FrameHeader header() {
        return header;
    }

    /** Bytes from the start of the frame to its end, as far as known; at least one header. */
    public int neededBytes() {
        return neededBytes;
    }

    /** Why the stream is invalid, null while it is not. */
    public @Nullable FrameError error() {
        return error;
    }

    private @Nullable FrameError checkHeader() {
        if (header.magic() != FrameHeader.MAGIC) {
            return FrameError.BAD_MAGIC;
        }
        if (header.version() != FrameHeader.VERSION) {
            return FrameError.BAD_VERSION;
        }
        if (header.headerBytes() != FrameHeader.BYTES) {
            return FrameError.BAD_HEADER_LENGTH;
        }
        FrameType type = FrameType.of(header.typeId());
        if (type == null) {
            return FrameError.UNKNOWN_TYPE;
        }
        int payloadBytes = header.payloadBytes();
        if (payloadBytes < 0 || payloadBytes > type.maxPayloadBytes()) {
            return FrameError.PAYLOAD_LENGTH;
        }
        int allowed =
                payloadsMayBeUnchecked && type == FrameType.DATA
                        ? FrameHeader.PAYLOAD_UNCHECKED
                        : 0;
        if ((header.flags() & ~allowed) != 0 || header.reserved() != 0) {
            return FrameError.NOT_ZERO;
        }
        if (type != FrameType.DATA && !partFieldsAreZero()) {
            return FrameError.NOT_ZERO;
        }
        return rules.check(header, type);
    }

    private boolean partFieldsAreZero() {
        return (header.rawBytes()
                                | header.chunkIndex()
                                | header.fragmentIndex()
                                | header.fragmentCount()
                                | header.firstToken()
                                | header.tokenCount()
                                | header.firstLayer()
                                | header.layerCount()
                                | header.formId()
                                | header.codecId()
                                | header.codecLevel())
                        == 0
                && header.codecProfile() == 0;
    }
}
