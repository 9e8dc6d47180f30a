package io.baton.kv.frame;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Frames ready to be sent together: headers in memory of its own, payloads where the caller has
 * them. Made once and used again for every send. One thread at a time.
 *
 * <pre>{@code
 * batch.clear();
 * batch.begin(FrameType.DATA).identity(...).tokens(...);
 * batch.end(payload);
 * channel.offer(batch);
 * }</pre>
 */
public final class FrameBatch {
    private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

    private final FrameHeader header = new FrameHeader();
    private final FrameChecksum checksum = new FrameChecksum();
    private final ByteBuffer headers;
    private final ByteBuffer[] headerViews;
    private final ByteBuffer[] buffers;
    private int frames;
    private long bytes;
    private boolean checksPayloads = true;

    public FrameBatch(int maxFrames) {
        headers =
                ByteBuffer.allocateDirect(Math.multiplyExact(maxFrames, FrameHeader.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
        headerViews = new ByteBuffer[maxFrames];
        for (int i = 0; i < maxFrames; i++) {
            headerViews[i] = headers.slice(i * FrameHeader.BYTES, FrameHeader.BYTES);
        }
        buffers = new ByteBuffer[2 * maxFrames];
        Arrays.fill(buffers, EMPTY);
    }

    /**
     * Whether the checksums of KV cover it, or its headers alone; they do unless told otherwise.
     */
    public void checksPayloads(boolean value) {
        checksPayloads = value;
    }

    /** Frames that fit. */
    public int maxFrames() {
        return headerViews.length;
    }

    /** Forgets all frames and the callers' memory. */
    public void clear() {
        Arrays.fill(buffers, 0, 2 * frames, EMPTY);
        frames = 0;
        bytes = 0;
    }

    /** Starts a frame; fill the header's fields, then call {@link #end}. */
    public FrameHeader begin(FrameType type) {
        if (frames == headerViews.length) {
            throw new IllegalStateException("the batch is full: " + frames + " frames");
        }
        return header.wrap(headers, frames * FrameHeader.BYTES).begin(type);
    }

    /**
     * Ends the frame with a payload, and sets its length and checksum.
     *
     * @param payload native memory or a byte array's, at most the type's limit; must stay unchanged
     *     until the batch is cleared
     */
    public void end(MemorySegment payload) {
        end(payload.byteSize() == 0 ? EMPTY : payload.asByteBuffer());
    }

    /** Ends the frame with an empty payload. */
    public void end() {
        end(EMPTY);
    }

    /** Ends the frame with what remains in {@code payload}. */
    public void end(ByteBuffer payload) {
        int payloadBytes = payload.remaining();
        if (payloadBytes > header.type().maxPayloadBytes()) {
            throw new IllegalArgumentException(
                    "%s takes at most %d bytes, got %d"
                            .formatted(
                                    header.type(), header.type().maxPayloadBytes(), payloadBytes));
        }
        header.payloadBytes(payloadBytes);
        int at = frames * FrameHeader.BYTES;
        int checkedBytes = payloadBytes;
        if (!checksPayloads && header.type() == FrameType.DATA) {
            header.payloadUnchecked();
            checkedBytes = 0;
        }
        header.crc(checksum.of(headers, at, payload, payload.position(), checkedBytes));
        buffers[2 * frames] = headerViews[frames].clear();
        buffers[2 * frames + 1] = payload;
        frames++;
        bytes += FrameHeader.BYTES + payloadBytes;
    }

    /**
     * Headers and payloads in turn, {@code 2 * frames()} of them; sending moves their positions.
     */
    public ByteBuffer[] buffers() {
        return buffers;
    }

    public int frames() {
        return frames;
    }

    /** Bytes of all frames. */
    public long bytes() {
        return bytes;
    }
}
