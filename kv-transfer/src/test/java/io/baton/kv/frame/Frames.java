package io.baton.kv.frame;

import io.baton.kv.codec.RawCodec;
import io.baton.kv.testkit.Kv;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Frames for tests. */
final class Frames {
    /** What the receiver of {@link Kv#SMALL} accepts. */
    static final FrameRules.Sending RULES =
            new FrameRules.Sending(Kv.SMALL, 64, List.of(new RawCodec()), true);

    private Frames() {}

    /** Two blocks of layer 1 from token 80 on, in the second chunk; byte i of the payload is i. */
    static byte[] data() {
        FrameBatch batch = new FrameBatch(1);
        dataHeader(batch.begin(FrameType.DATA));
        batch.end(MemorySegment.ofArray(counting(2048)));
        return bytes(batch);
    }

    static FrameHeader dataHeader(FrameHeader header) {
        return header.identity(0x1122334455667788L, 3, 0x99AABBCCDDEEFF00L)
                .sequence(7)
                .rawBytes(2048)
                .tokens(1, 80, 32)
                .fragment(0, 1)
                .layers(1, 1)
                .coding(Form.EXACT, RawCodec.ID, 0, 0);
    }

    static byte[] plain(FrameType type, byte[] payload) {
        FrameBatch batch = new FrameBatch(1);
        batch.begin(type).identity(0x1122334455667788L, 3, 0x99AABBCCDDEEFF00L).sequence(8);
        batch.end(ByteBuffer.wrap(payload));
        return bytes(batch);
    }

    /** A frame of no transfer. */
    static byte[] bare(FrameType type, byte[] payload) {
        FrameBatch batch = new FrameBatch(1);
        batch.begin(type);
        batch.end(ByteBuffer.wrap(payload));
        return bytes(batch);
    }

    static byte[] counting(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) i;
        }
        return bytes;
    }

    static byte[] bytes(FrameBatch batch) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < 2 * batch.frames(); i++) {
            ByteBuffer buffer = batch.buffers()[i].duplicate();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            out.writeBytes(bytes);
        }
        return out.toByteArray();
    }

    static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(bytes)
                .clear();
    }

    /** Sets the checksum of a frame that was changed on purpose. */
    static byte[] sealed(byte[] frame) {
        ByteBuffer buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt(FrameHeader.CRC_OFFSET, 0);
        buffer.putInt(FrameHeader.CRC_OFFSET, crc32c(frame));
        return frame;
    }

    /** CRC32C bit by bit, from its definition. */
    static int crc32c(byte[] bytes) {
        int crc = -1;
        for (byte b : bytes) {
            crc ^= b & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc >>> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
            }
        }
        return ~crc;
    }
}
