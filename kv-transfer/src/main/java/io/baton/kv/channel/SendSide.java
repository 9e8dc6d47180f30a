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
 * <p>An offer writes straight from the caller's memory. What the transport does not take of it
 * waits: in the ring, or, if it was lent, where it is; until that is sent, further data is refused.
 * So the transport's own buffer is the queue. The ring has {@link KvChannel#CONTROL_BYTES} that
 * data may not use, so a full queue never holds up a keep-alive. Safe for any thread; nothing but
 * {@link #await} blocks.
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

    /** Data is copied or lent; control frames may go when data may not. */
    private enum Kind {
        DATA,
        LENT,
        CONTROL
    }

    private final ByteTransport transport;
    private final ChannelOptions.Bounds bounds;
    private final Ticker ticker;
    private final OutputRing ring;
    private final int queueBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition drained = lock.newCondition();
    private final Lent lent = new Lent();
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
        requireFit(frames);
        return send(frames, Kind.DATA);
    }

    /**
     * @throws IllegalArgumentException as {@link #offer}
     * @throws IOException as {@link #offer}
     */
    SendResult lend(FrameBatch frames) throws IOException {
        requireFit(frames);
        return send(frames, Kind.LENT);
    }

    SendResult offerControl(FrameBatch frames) throws IOException {
        return send(frames, Kind.CONTROL);
    }

    private SendResult send(FrameBatch frames, Kind kind) throws IOException {
        lock.lock();
        try {
            if (closed || closeWhenSent != null) {
                return SendResult.CLOSED;
            }
            long room = kind == Kind.CONTROL ? ring.free() - lent.bytes() : dataRoom();
            if (room < frames.bytes()) {
                return SendResult.BACK_PRESSURED;
            }
            boolean wasIdle = !isWaiting();
            ByteBuffer[] buffers = frames.buffers();
            int count = 2 * frames.frames();
            if (wasIdle) {
                transport.write(buffers, count);
            }
            if (kind == Kind.LENT) {
                lent.take(frames);
            } else {
                ring.put(buffers, count);
            }
            if (wasIdle && isWaiting()) {
                wroteNanos = ticker.nanos();
                transport.wantWrite();
            }
            return SendResult.OK;
        } finally {
            lock.unlock();
        }
    }

    /** What was lent waits in the ring from here on, before what already does. */
    void takeBack(FrameBatch frames) {
        lock.lock();
        try {
            if (lent.isOf(frames)) {
                lent.moveTo(ring);
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean isWaiting() {
        return !lent.isEmpty() || !ring.isEmpty();
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

    private void requireFit(FrameBatch frames) {
        if (frames.bytes() > queueBytes) {
            throw new IllegalArgumentException(
                    "%d bytes of frames do not fit the queue of %d"
                            .formatted(frames.bytes(), queueBytes));
        }
    }

    /** Data waits for its turn with its owner; -1 while other bytes wait. */
    private int dataRoom() {
        return isWaiting() ? -1 : queueBytes;
    }

    /** The transport takes bytes again; whether it took any. */
    boolean onWritable() throws IOException {
        lock.lock();
        try {
            boolean took = !closed && isWaiting() && drain();
            finishIfSent();
            return took;
        } finally {
            lock.unlock();
        }
    }

    private boolean drain() throws IOException {
        boolean took = lent.drainTo(transport) > 0;
        if (lent.isEmpty() && !ring.isEmpty()) {
            took |= ring.drainTo(transport) > 0;
        }
        if (took) {
            wroteNanos = ticker.nanos();
        }
        if (!isWaiting()) {
            drained.signalAll();
        } else {
            transport.wantWrite();
        }
        return took;
    }

    private void finishIfSent() {
        if (closeWhenSent != null && !isWaiting() && !finishedWriting) {
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
            boolean late = isWaiting() && quiet > bounds.writeStallNanos();
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
            lent.forget();
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
