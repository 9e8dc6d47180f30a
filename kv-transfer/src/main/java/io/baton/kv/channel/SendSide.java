package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.time.Ticker;
import io.baton.kv.frame.FrameBatch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of a channel: takes all frames of an offer or none, and keeps what the transport
 * does not take in a bounded ring.
 *
 * <p>An offer writes straight from the caller's memory, and what the transport does not take of it
 * waits in the ring; until that is sent, further data is refused. So bytes are moved once, and the
 * transport's own buffer is the queue. The ring has {@link KvChannel#CONTROL_BYTES} that data may
 * not use, so a full queue never holds up a keep-alive. Safe for any thread; nothing but {@link
 * #await} blocks.
 */
final class SendSide {
    /** What a look at the clock found. */
    enum Watch {
        FINE,
        /** The time to send what waits before an orderly close is over. */
        LINGERED,
        /** Bytes wait, and the peer takes none and says nothing. */
        STALLED
    }

    private final ByteTransport transport;
    private final ChannelOptions.Bounds bounds;
    private final Ticker ticker;
    private final OutputRing ring;
    private final int queueBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition drained = lock.newCondition();
    private volatile boolean closed;
    private volatile @Nullable BatonException closeWhenSent;
    private boolean finishedWriting;
    private long closeDeadlineNanos;
    private long wroteNanos;
    private boolean stallSuspect;

    /**
     * @param memory for all that may wait: {@code queueBytes} and {@link KvChannel#CONTROL_BYTES}
     * @param queueBytes of data frames; a side that sends none has 0
     */
    SendSide(ByteTransport transport, ChannelOptions options, ByteBuffer memory, int queueBytes) {
        this.transport = transport;
        this.bounds = options.bounds();
        this.ticker = options.ticker();
        this.ring = new OutputRing(memory);
        this.queueBytes = queueBytes;
    }

    /**
     * @throws IllegalArgumentException if the frames are longer than the whole queue
     * @throws IOException if the transport is broken
     */
    SendResult offer(FrameBatch frames) throws IOException {
        if (frames.bytes() > queueBytes) {
            throw new IllegalArgumentException(
                    "%d bytes of frames do not fit the queue of %d"
                            .formatted(frames.bytes(), queueBytes));
        }
        return offer(frames, true);
    }

    SendResult offerControl(FrameBatch frames) throws IOException {
        return offer(frames, false);
    }

    private SendResult offer(FrameBatch frames, boolean data) throws IOException {
        lock.lock();
        try {
            if (closed || closeWhenSent != null) {
                return SendResult.CLOSED;
            }
            if ((data ? dataRoom() : ring.free()) < frames.bytes()) {
                return SendResult.BACK_PRESSURED;
            }
            send(frames.buffers(), 2 * frames.frames());
            return SendResult.OK;
        } finally {
            lock.unlock();
        }
    }

    private void send(ByteBuffer[] buffers, int count) throws IOException {
        boolean wasEmpty = ring.isEmpty();
        if (wasEmpty) {
            transport.write(buffers, count);
        }
        for (int i = 0; i < count; i++) {
            if (buffers[i].hasRemaining()) {
                ring.put(buffers[i]);
            }
        }
        if (wasEmpty && !ring.isEmpty()) {
            wroteNanos = ticker.nanos();
            transport.wantWrite();
        }
    }

    boolean hasRoom(long bytes) {
        lock.lock();
        try {
            return !closed && dataRoom() >= bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there is room or the side is closed; false if the time is over. */
    boolean await(long bytes, long nanos) throws InterruptedException {
        lock.lock();
        try {
            long left = nanos;
            while (!closed && dataRoom() < bytes) {
                if (left <= 0) {
                    return false;
                }
                left = drained.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Data waits for its turn with its owner, so that most bytes are moved once. */
    private int dataRoom() {
        return ring.isEmpty() ? ring.free() - KvChannel.CONTROL_BYTES : 0;
    }

    /** The transport takes bytes again; whether it took any. */
    boolean onWritable() throws IOException {
        lock.lock();
        try {
            boolean took = !closed && !ring.isEmpty() && drain();
            finishIfSent();
            return took;
        } finally {
            lock.unlock();
        }
    }

    private boolean drain() throws IOException {
        boolean took = ring.drainTo(transport) > 0;
        if (took) {
            wroteNanos = ticker.nanos();
        }
        if (ring.isEmpty()) {
            drained.signalAll();
        } else {
            transport.wantWrite();
        }
        return took;
    }

    private void finishIfSent() {
        if (closeWhenSent != null && ring.isEmpty() && !finishedWriting) {
            finishedWriting = true;
            transport.finishWriting();
        }
    }

    /**
     * Looks at deadlines. One thread. A peer that speaks is no stalled one: behind a slow link the
     * system's buffer may be full for longer than the limit, and what comes back are answers to
     * what went before.
     *
     * @param heardNanos when the peer was last heard
     */
    Watch watch(long now, long heardNanos) {
        lock.lock();
        try {
            if (closeWhenSent != null && now - closeDeadlineNanos >= 0) {
                return Watch.LINGERED;
            }
            long quiet = Math.min(now - wroteNanos, now - heardNanos);
            boolean late = !ring.isEmpty() && quiet > bounds.writeStallNanos();
            // Judged on the second look: after a pause of this process the peer gets a chance.
            boolean stalled = late && stallSuspect;
            stallSuspect = late;
            return stalled ? Watch.STALLED : Watch.FINE;
        } finally {
            lock.unlock();
        }
    }

    /** Takes nothing more, sends what waits, then ends the stream of bytes. */
    void closeWhenSent(BatonException reason) {
        lock.lock();
        try {
            if (!closed && closeWhenSent == null) {
                closeWhenSent = reason;
                closeDeadlineNanos = ticker.nanos() + bounds.lingerNanos();
                finishIfSent();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Why the side closes in order; null if it does not. */
    @Nullable BatonException closingBecause() {
        return closeWhenSent;
    }

    /** Takes and sends nothing more; false if that was so before. */
    boolean close() {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            closed = true;
            drained.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** Runs while no thread touches the ring, after {@link #close}: its memory may be freed. */
    void whileIdle(Runnable task) {
        lock.lock();
        try {
            task.run();
        } finally {
            lock.unlock();
        }
    }
}
