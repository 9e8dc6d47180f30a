package io.baton.kv.frame;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC32C (RFC 3720, appendix B.4) over a header, with its CRC field as zero, and the payload. It
 * finds every single flipped bit and every burst up to 32 bits; it is no protection against intent.
 * One thread at a time.
 */
final class FrameChecksum {
    private static final byte[] ZERO_CRC = new byte[FrameHeader.BYTES - FrameHeader.CRC_OFFSET];

    private final CRC32C crc = new CRC32C();

    /** The checksum of a frame whose header and payload lie in one buffer or two. */
    int of(ByteBuffer headerBuffer, int headerAt, ByteBuffer payloadBuffer, int payloadAt, int n) {
        begin(headerBuffer, headerAt);
        update(payloadBuffer, payloadAt, n);
        return value();
    }

    /** Begins with a header; the payload follows piece by piece. */
    void begin(ByteBuffer headerBuffer, int headerAt) {
        crc.reset();
        update(headerBuffer, headerAt, FrameHeader.CRC_OFFSET);
        crc.update(ZERO_CRC);
    }

    /** Of all since {@link #begin}. */
    int value() {
        return (int) crc.getValue();
    }

    /** The next piece of the payload; position and limit are left as they were. */
    void update(ByteBuffer buffer, int at, int bytes) {
        int position = buffer.position();
        int limit = buffer.limit();
        buffer.limit(at + bytes).position(at);
        crc.update(buffer);
        buffer.limit(limit).position(position);
    }
}
