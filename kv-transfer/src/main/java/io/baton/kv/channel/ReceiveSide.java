package io.baton.kv.channel;

import io.baton.kv.codec.RawCodec;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameReader;
import io.baton.kv.frame.FrameRules;
import io.baton.kv.frame.FrameType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The receiving half of a channel: reads bytes and hands on whole, verified frames. A stranger gets
 * a small buffer, a proven peer one for the longest frame. The loop's thread alone.
 *
 * <p>Raw KV that comes over a link is read straight to its place, where the sink has one for it.
 *
 * <p>Where a transport shows its bytes in its own memory, raw KV is handed on from there. All other
 * payloads and all headers are taken out first: the peer could change them between being checked
 * and being used, which for KV as it is means no more than sending other KV.
 */
final class ReceiveSide {
    /** Room beside the longest frame, so that a read seldom has to wait for a move. */
    private static final int SLACK_BYTES = 192 << 10;

    private static final int SMALL_BYTES = 16 << 10;

    /** Most bytes read before it is known what they are: those of a payload are moved once more. */
    private static final int AHEAD_BYTES = 8 << 10;

    /** Most bytes read in a row before other channels have their turn. */
    private static final int TURN_BYTES = 4 << 20;

    /** Where frames go. */
    interface Sink {
        /** Bytes came. */
        void onBytes();

        /** A verified frame; both are valid during the call only. */
        void onFrame(FrameHeader header, MemorySegment payload);

        /** Where the payload of this header shall go, null to have it by {@link #onFrame}. */
        @Nullable PayloadPlace place(FrameHeader header);

        /** Whether nothing more is wanted. */
        boolean isClosed();
    }

    /** Why reading stopped. */
    enum Outcome {
        /** All there was is read. */
        EMPTY,
        /** There may be more. */
        TURN_OVER,
        /** The peer has ended its stream. */
        END,
        /** What came is no frame, or none that may come now: see {@link #error()}. */
        INVALID,
        /** The sink wants no more. */
        CLOSED
    }

    private final ByteTransport transport;
    private final Arena memory;
    private final FrameReader reader = new FrameReader(new FrameRules.Handshake());
    private final ByteBuffer header =
            ByteBuffer.allocateDirect(FrameHeader.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final Filling filling;
    private MemorySegment input;
    private ByteBuffer buffer;
    private int from;
    private int to;

    /** The frame at {@code from} has no place of its own. */
    private boolean hasNoPlace;

    ReceiveSide(ByteTransport transport, Arena memory) {
        this.transport = transport;
        this.memory = memory;
        this.filling = new Filling(transport, reader);
        if (transport.isMemory()) {
            reader.allowUncheckedPayloads();
        }
        this.input = memory.allocate(SMALL_BYTES, Long.BYTES);
        this.buffer = input.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Reads what is there, for at most one turn. */
    Outcome receive(Sink sink) throws IOException {
        int turn = TURN_BYTES;
        while (!sink.isClosed()) {
            if (turn <= 0) {
                return Outcome.TURN_OVER;
            }
            if (transport.isMemory() && from == to) {
                int taken = handOnInPlace(sink);
                if (reader.error() != null) {
                    return Outcome.INVALID;
                }
                if (taken > 0) {
                    turn -= taken;
                    continue;
                }
            }
            buffer.limit(readLimit()).position(to);
            int read = filling.isRunning() ? filling.read(buffer) : transport.read(buffer);
            if (read <= 0) {
                return read < 0 ? Outcome.END : Outcome.EMPTY;
            }
            sink.onBytes();
            boolean isShort = filling.isRunning() ? filling.wasShort() : buffer.hasRemaining();
            to = buffer.position();
            turn -= read;
            if (!goOn(sink)) {
                return Outcome.INVALID;
            }
            if (isShort && transport.tellsOfMore()) {
                return Outcome.EMPTY;
            }
        }
        return Outcome.CLOSED;
    }

    /** Bytes came; false if they are no frame. */
    private boolean goOn(Sink sink) {
        if (filling.isRunning()) {
            if (!filling.isWhole()) {
                return true;
            }
            if (!filling.end()) {
                return false;
            }
            from += FrameHeader.BYTES;
        }
        return handOn(sink);
    }

    /** From memory only this frame is copied: the next may be handed on where it lies. */
    private int readLimit() {
        int limit;
        if (transport.isMemory()) {
            limit = from + reader.neededBytes();
        } else if (hasNoPlace) {
            limit = buffer.capacity();
        } else {
            limit = to + AHEAD_BYTES;
        }
        return Math.min(buffer.capacity(), limit);
    }

    /** Hands on the next frame from where it lies; its bytes, 0 if it must be copied. */
    private int handOnInPlace(Sink sink) throws IOException {
        ByteBuffer lying = transport.peek();
        int at = lying.position();
        int bytes = lying.remaining();
        if (bytes < FrameHeader.BYTES) {
            reader.read(header, 0, lying, at, 0);
            return 0;
        }
        header.put(0, lying, at, FrameHeader.BYTES);
        int payloadAt = at + FrameHeader.BYTES;
        reader.read(header, 0, lying, payloadAt, FrameHeader.BYTES);
        if (reader.error() != null || bytes < reader.neededBytes() || !mayStay(reader.header())) {
            return 0;
        }
        if (reader.read(header, 0, lying, payloadAt, bytes) != FrameReader.Outcome.FRAME) {
            return 0;
        }
        int frameBytes = reader.neededBytes();
        sink.onBytes();
        sink.onFrame(
                reader.header(),
                MemorySegment.ofBuffer(lying)
                        .asSlice(FrameHeader.BYTES, reader.header().payloadBytes()));
        transport.skip(frameBytes);
        return frameBytes;
    }

    private static boolean mayStay(FrameHeader header) {
        return header.type() == FrameType.DATA && header.codecId() == RawCodec.ID;
    }

    /** Hands on all whole frames; false at one that is invalid. */
    private boolean handOn(Sink sink) {
        buffer.clear();
        while (!sink.isClosed()) {
            switch (reader.read(buffer, from, to)) {
                case FRAME -> {
                    int at = from + FrameHeader.BYTES;
                    from += reader.neededBytes();
                    hasNoPlace = false;
                    sink.onFrame(
                            reader.header(), input.asSlice(at, reader.header().payloadBytes()));
                }
                case INCOMPLETE -> {
                    if (!fillPlace(sink)) {
                        makeRoom();
                    }
                    return true;
                }
                case INVALID -> {
                    return false;
                }
            }
        }
        return true;
    }

    /** From here on the payload of the frame at {@code from} goes to its place, if it has one. */
    private boolean fillPlace(Sink sink) {
        if (hasNoPlace || transport.isMemory() || !reader.awaitsPayload()) {
            return false;
        }
        FrameHeader coming = reader.header();
        PayloadPlace place = mayStay(coming) ? sink.place(coming) : null;
        hasNoPlace = place == null;
        if (place == null) {
            return false;
        }
        filling.begin(place, buffer, from, to - from - FrameHeader.BYTES);
        MemorySegment.copy(input, from, input, 0, FrameHeader.BYTES);
        coming.wrap(buffer, 0);
        from = 0;
        to = FrameHeader.BYTES;
        return true;
    }

    /** Nothing more comes. */
    void close() {
        filling.drop();
    }

    private void makeRoom() {
        if (from == to) {
            from = 0;
            to = 0;
        } else if (from > 0 && from + reader.neededBytes() > buffer.capacity()) {
            MemorySegment.copy(input, from, input, 0, to - from);
            to -= from;
            from = 0;
        }
    }

    /** The peer has proved itself: these frames may come from now on. */
    void rules(FrameRules rules) {
        reader.rules(rules);
    }

    /** From now on frames of the greatest length may come. */
    void grow() {
        MemorySegment large =
                memory.allocate(FrameHeader.MAX_FRAME_BYTES + SLACK_BYTES, Long.BYTES);
        MemorySegment.copy(input, from, large, 0, to - from);
        input = large;
        buffer = large.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        to -= from;
        from = 0;
    }

    /** What was wrong with the bytes. */
    FrameError error() {
        FrameError error = reader.error();
        return error == null ? FrameError.CHECKSUM : error;
    }
}
