package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Hears all channels of one listener or connector, on its I/O thread. Must not block. */
public interface ChannelHandler {
    /** The handshake succeeded. */
    void onOpen(KvChannel channel);

    /** A verified frame; header and payload are valid during the call only. */
    void onFrame(KvChannel channel, FrameHeader header, MemorySegment payload);

    /**
     * Where the payload of a DATA frame of raw KV shall be read to, null to have it by {@link
     * #onFrame}. The header keeps the rules, but its checksum is not known yet.
     */
    default @Nullable PayloadPlace place(KvChannel channel, FrameHeader header) {
        return null;
    }

    /** Bytes came that are no acceptable frame; the channel is about to close. */
    void onInvalid(FrameError error);

    /** An open channel is gone; exactly once, last. */
    void onClosed(KvChannel channel, BatonException reason);

    /** Called about every {@code tickNanos}, after what came was handled. */
    void onTick(long nowNanos);
}
