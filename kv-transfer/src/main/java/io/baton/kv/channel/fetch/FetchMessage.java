package io.baton.kv.channel.fetch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Headers of the messages between two transports, little-endian:
 *
 * <pre>
 *  0        4        8                 16                24
 *  +--------+--------+-----------------+-----------------+
 *  |  kind  |    0   |      first      |     second      |
 *  +--------+--------+-----------------+-----------------+
 * </pre>
 *
 * Positions count the bytes of one direction from 0. See docs/protocol.md.
 */
public enum FetchMessage {
    /** First: where the sender's ring is; second: its bytes; data: what opens it. */
    RING(1),
    /** First: position of the first byte; second: how many; data: the bytes. */
    BYTES(2),
    /** Bytes from position first to second lie in the ring. */
    PUBLISHED(3),
    /** The bytes before position first were taken: their place in the ring is free. */
    RELEASED(4),
    /** No bytes come from position first on. */
    END(5),
    /** The ring cannot be read; second: bytes of the reason; data: the reason, UTF-8. */
    REFUSED(6);

    /** Bytes of a header. */
    public static final int HEADER_BYTES = 24;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int number;

    FetchMessage(int number) {
        this.number = number;
    }

    /** Writes a header. */
    public void write(MemorySegment header, long first, long second) {
        header.set(INT, 0, number);
        header.set(INT, 4, 0);
        header.set(LONG, 8, first);
        header.set(LONG, 16, second);
    }

    /** The kind of a header; null if there is none such. */
    public static @Nullable FetchMessage kind(MemorySegment header) {
        if (header.byteSize() != HEADER_BYTES || header.get(INT, 4) != 0) {
            return null;
        }
        int number = header.get(INT, 0);
        for (FetchMessage message : values()) {
            if (message.number == number) {
                return message;
            }
        }
        return null;
    }

    /** The first number of a header. */
    public static long first(MemorySegment header) {
        return header.get(LONG, 8);
    }

    /** The second number of a header. */
    public static long second(MemorySegment header) {
        return header.get(LONG, 16);
    }
}
