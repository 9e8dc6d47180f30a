package io.baton.kv.channel;

import java.lang.foreign.MemorySegment;

/**
 * The memory two processes share for one channel: a page of positions, then a ring each way.
 *
 * <pre>
 *      0   to receiver: tail (8) at 128, head (8) at 256, reader waits (4) at 384, writer waits (4) at 512
 *   1024   to sender: the same
 *   4096   ring to the receiver, then ring to the sender
 * </pre>
 *
 * Positions count bytes from the channel's start and never go back; each is written by one side
 * only and lies in a pair of cache lines of its own. What the other side writes is checked, never
 * trusted.
 *
 * @param toReceiverBytes ring from the side that connects to the side that listens
 * @param toSenderBytes ring back, for signs of life and refusals
 */
record ShmLayout(int toReceiverBytes, int toSenderBytes) {
    static final int TAIL = 128;
    static final int HEAD = 256;
    static final int READER_WAITS = 384;
    static final int WRITER_WAITS = 512;

    private static final int WAY_BYTES = 1024;
    private static final int RINGS = 4096;
    private static final int LEAST = 16 << 10;
    private static final int MOST = 64 << 20;

    /** Data one way: a few of the longest frames; small enough to stay in a processor's cache. */
    static final ShmLayout USUAL = new ShmLayout(4 << 20, 64 << 10);

    ShmLayout {
        requireRing(toReceiverBytes);
        requireRing(toSenderBytes);
    }

    private static void requireRing(int bytes) {
        if (bytes < LEAST || bytes > MOST || Integer.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "a ring has a power of two from %d to %d bytes, not %d"
                            .formatted(LEAST, MOST, bytes));
        }
    }

    /** All of it. */
    long fileBytes() {
        return (long) RINGS + toReceiverBytes + toSenderBytes;
    }

    /** Positions and ring of one way. */
    record Way(MemorySegment control, MemorySegment ring) {}

    Way toReceiver(MemorySegment memory) {
        return new Way(memory.asSlice(0, WAY_BYTES), memory.asSlice(RINGS, toReceiverBytes));
    }

    Way toSender(MemorySegment memory) {
        return new Way(
                memory.asSlice(WAY_BYTES, WAY_BYTES),
                memory.asSlice(RINGS + (long) toReceiverBytes, toSenderBytes));
    }
}
