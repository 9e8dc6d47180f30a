package io.baton.kv.channel.cuda;

import io.baton.kv.channel.fetch.FetchMessage;
import io.baton.kv.channel.fetch.Inbox;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Messages on their way to or from a socket, in one fixed buffer. One thread at a time. */
final class MessageBuffer {
    /** Filled from 0 to its position. */
    private final ByteBuffer buffer;

    MessageBuffer(int bytes) {
        buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    int room() {
        return buffer.remaining();
    }

    boolean isEmpty() {
        return buffer.position() == 0;
    }

    /** Adds a message; the caller has looked at {@link #room}. */
    void put(FetchMessage kind, long first, long second, Consumer<ByteBuffer> data) {
        int at = buffer.position();
        kind.write(
                MemorySegment.ofBuffer(
                        buffer.duplicate().limit(at + FetchMessage.HEADER_BYTES).position(at)),
                first,
                second);
        buffer.position(at + FetchMessage.HEADER_BYTES);
        data.accept(buffer);
    }

    /** Writes what the socket takes. */
    void writeTo(WritableByteChannel socket) throws IOException {
        if (buffer.position() > 0) {
            buffer.flip();
            try {
                socket.write(buffer);
            } finally {
                buffer.compact();
            }
        }
    }

    /** Reads what there is room for; -1 for the end. */
    int readFrom(ReadableByteChannel socket) throws IOException {
        return socket.read(buffer);
    }

    /** The kind of the first message; null if its header is not there yet. */
    @Nullable FetchMessage kind() throws Inbox.Violation {
        if (buffer.position() < FetchMessage.HEADER_BYTES) {
            return null;
        }
        FetchMessage kind = FetchMessage.kind(header());
        if (kind == null) {
            throw new Inbox.Violation("an unknown message");
        }
        return kind;
    }

    long first() {
        return FetchMessage.first(header());
    }

    long second() {
        return FetchMessage.second(header());
    }

    private MemorySegment header() {
        return MemorySegment.ofBuffer(
                buffer.duplicate().limit(FetchMessage.HEADER_BYTES).position(0));
    }

    /** The data of the first message; null if not all of it is there. */
    @Nullable ByteBuffer data(int bytes) {
        int end = FetchMessage.HEADER_BYTES + bytes;
        return buffer.position() < end
                ? null
                : buffer.duplicate()
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .limit(end)
                        .position(FetchMessage.HEADER_BYTES);
    }

    /** Takes the first message away. */
    void skip(int dataBytes) {
        buffer.flip().position(FetchMessage.HEADER_BYTES + dataBytes);
        buffer.compact();
    }
}
