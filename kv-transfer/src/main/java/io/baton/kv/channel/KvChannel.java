package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.kv.frame.FrameBatch;

/** An open channel to one peer. Any thread may call it; no call but {@link #await} blocks. */
public interface KvChannel {
    /** Bytes that control frames may queue when data frames are refused. */
    int CONTROL_BYTES = 64 << 10;

    /** Whether KV needs a checksum: over memory of the same machine nothing can garble it. */
    boolean checksPayloads();

    /** Number of the channel, unique in the process. */
    long id();

    /** The other end. */
    Peer peer();

    /**
     * Sends all frames or none. After OK the batch's memory is free again.
     *
     * @throws IllegalArgumentException if the frames are longer than the whole queue
     */
    SendResult offer(FrameBatch frames);

    /**
     * As {@link #offer}, without a copy: what could not be sent at once is sent from the batch's
     * memory later. It must stay as it is until the channel has room for data again or is closed,
     * or {@link #takeBack} has returned.
     */
    SendResult lend(FrameBatch frames);

    /** The batch's memory is its owner's again: what of it waits to be sent is copied. */
    void takeBack(FrameBatch frames);

    /** As {@link #offer}, for small frames that must get through a queue full of data. */
    SendResult offerControl(FrameBatch frames);

    /** Whether {@code bytes} of data frames would be taken now. */
    boolean hasRoom(long bytes);

    /**
     * Waits until {@code bytes} would be taken, or the channel is closed.
     *
     * @return false if the time is over
     */
    boolean await(long bytes, long nanos) throws InterruptedException;

    /** Reading of the ticker when the peer last gave a sign: bytes came, or it took some again. */
    long heardNanos();

    /** Sends what waits, within the linger time, then closes. The handler hears {@code reason}. */
    void close(BatonException reason);
}
