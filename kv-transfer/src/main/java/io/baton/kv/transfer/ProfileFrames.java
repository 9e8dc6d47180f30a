package io.baton.kv.transfer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.SendResult;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameType;
import io.baton.kv.frame.Reason;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The frames that bring a profile to a receiver. Safe for any thread. */
final class ProfileFrames {
    /** SHA-256 of a profile's bytes before their own checksum, with which they end. */
    static final int CHECKSUM_BYTES = 32;

    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private ProfileFrames() {}

    /**
     * A profile's checksum and a number.
     *
     * @param number of an offer: the profile's bytes; of a wish: the first byte that is wanted
     */
    record Named(byte[] checksum, long number) {
        static Named of(MemorySegment payload) {
            return new Named(
                    payload.asSlice(0, CHECKSUM_BYTES).toArray(JAVA_BYTE),
                    payload.get(U64, CHECKSUM_BYTES));
        }

        long id() {
            return MemorySegment.ofArray(checksum).get(U64, 0);
        }
    }

    static SendResult named(KvChannel channel, FrameType type, Named named) {
        ByteBuffer payload =
                ByteBuffer.allocate(CHECKSUM_BYTES + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        payload.put(named.checksum()).putLong(named.number()).flip();
        return control(channel, type, payload);
    }

    /** Closes the channel and says why. */
    static void refuse(KvChannel channel, BatonException reason) {
        control(channel, FrameType.REFUSED, ByteBuffer.wrap(Reason.encode(reason)));
        channel.close(reason);
    }

    private static SendResult control(KvChannel channel, FrameType type, ByteBuffer payload) {
        FrameBatch batch = new FrameBatch(1);
        batch.begin(type);
        batch.end(payload);
        return channel.offerControl(batch);
    }

    /** The bytes of a profile from an offset on, so many that they fit a frame and half a queue. */
    static SendResult piece(KvChannel channel, MemorySegment profile, long offset, int queueBytes) {
        int most = Math.min(FrameHeader.MAX_PAYLOAD_BYTES, queueBytes / 2) - Long.BYTES;
        long bytes = Math.min(most, profile.byteSize() - offset);
        ByteBuffer payload =
                ByteBuffer.allocate((int) bytes + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        payload.putLong(offset);
        payload.put(profile.asSlice(offset, bytes).asByteBuffer()).flip();
        FrameBatch batch = new FrameBatch(1);
        batch.begin(FrameType.PROFILE);
        batch.end(payload);
        return channel.offer(batch);
    }

    static long pieceOffset(MemorySegment payload) {
        return payload.get(U64, 0);
    }

    static MemorySegment pieceBytes(MemorySegment payload) {
        return payload.asSlice(Long.BYTES);
    }
}
