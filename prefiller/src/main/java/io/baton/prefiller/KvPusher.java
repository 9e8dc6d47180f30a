package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.engine.Reservation;
import io.baton.kv.channel.SendResult;
import io.baton.kv.transfer.KvSenders.OutboundTransfer;
import io.baton.kv.transfer.TransferStats;
import io.baton.prefiller.SendProgress.Piece;
import io.baton.prefiller.Steering.Next;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sends one sequence's blocks as they become ready, on a thread of its own that waits for the
 * channel, so that the engine's never does. At its end, however it comes, it closes the transfer
 * and the reservation: while it runs, nobody frees what it reads.
 */
final class KvPusher implements Runnable {
    /** A wake-up can't be lost, yet no wait is without a bound. */
    private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** While chunks are on their way, what is best may change. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final long WRITABLE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Hears the end, on the pusher's thread, unless it was stopped. */
    interface Listener {
        void onSent(Sent sent);

        /** The decoder is to compute the rest; until it is stopped, the pusher holds all. */
        void onText(Sent sent);

        void onFailed(BatonException error);
    }

    /** What was done. */
    record Sent(TransferStats stats, String carrier, Steering steering) {}

    /** What is sent, and by what. */
    record Work(
            Reservation place,
            OutboundTransfer transfer,
            SendProgress progress,
            Steering steering,
            SendBuffers buffers) {}

    private final Work work;
    private final Listener listener;
    private int half;
    private volatile byte @Nullable [] trailer;
    private volatile boolean stopped;
    private volatile @Nullable Thread thread;

    KvPusher(Work work, Listener listener) {
        this.work = work;
        this.listener = listener;
    }

    void start(String name) {
        Thread own = Thread.ofVirtual().name(name).unstarted(this);
        thread = own;
        own.start();
    }

    /** From the engine's thread: a layer is computed up to {@code toToken}. */
    void computed(int layer, int toToken) {
        work.progress().computed(layer, toToken);
        wake();
    }

    /** Everything is computed; the end frame carries these bytes. */
    void finishWith(byte[] bytes) {
        trailer = bytes;
        wake();
    }

    /** Ends it; the receiver hears of an abort unless all was sent. */
    void stop() {
        stopped = true;
        Thread running = thread;
        if (running != null) {
            running.interrupt();
        }
    }

    /** More has arrived. */
    void wake() {
        LockSupport.unpark(thread);
    }

    @Override
    public void run() {
        Sent sent = null;
        BatonException failure = null;
        MemorySegment buffer = work.buffers().take();
        try {
            sent = push(buffer);
        } catch (InterruptedException e) {
            // Only stop() interrupts.
            stopped = true;
        } catch (BatonException e) {
            failure = e;
        } catch (RuntimeException e) {
            failure = new BatonException(ErrorCode.INTERNAL, "sending KV failed: " + e, null, e);
        } finally {
            // What follows must not be cut short by the interrupt that ended the sending.
            Thread.interrupted();
            // Until it is closed, the transfer may read what was offered last.
            work.transfer().close();
            work.buffers().giveBack(buffer);
            work.place().close();
        }
        if (sent != null) {
            listener.onSent(sent);
        } else if (failure != null) {
            listener.onFailed(failure);
        }
    }

    /** Null if it was stopped. */
    private @Nullable Sent push(MemorySegment buffer) throws InterruptedException {
        while (!stopped) {
            byte[] last = trailer;
            Piece piece = work.progress().next();
            Next next = Next.WAIT;
            if (piece != null) {
                next = work.steering().before(piece);
                if (next == Next.GO) {
                    next = send(piece, buffer);
                }
            } else if (last != null && work.progress().isDone()) {
                if (work.steering().isNearlyThere()) {
                    if (isSent(work.transfer().finish(last))) {
                        return done();
                    }
                    continue;
                }
                next = work.steering().whileWaiting();
            }
            if (next == Next.TEXT) {
                listener.onText(done());
                hold();
            } else if (next == Next.WAIT) {
                LockSupport.parkNanos(piece == null && last == null ? IDLE_NANOS : LOOK_NANOS);
            }
        }
        return null;
    }

    private Sent done() {
        OutboundTransfer transfer = work.transfer();
        return new Sent(transfer.stats(), transfer.carrier().scheme(), work.steering());
    }

    /** The receiver must not take the transfer for lost before it is told to compute. */
    private void hold() {
        while (!stopped) {
            LockSupport.parkNanos(IDLE_NANOS);
        }
    }

    /**
     * Sends a piece; while the channel has no room, text may turn out to be sooner. Pieces go from
     * the halves of the buffer in turn: the channel may still be reading the one before.
     */
    private Next send(Piece piece, MemorySegment buffer) throws InterruptedException {
        long bytes = (long) piece.blocks() * work.place().layout().blockLayerBytes();
        MemorySegment part = buffer.asSlice(half * (buffer.byteSize() / 2), bytes);
        work.place().read(piece.layer(), piece.firstBlock(), part);
        while (!isSent(work.steering().offer(piece, part))) {
            if (work.steering().whileWaiting() == Next.TEXT) {
                return Next.TEXT;
            }
        }
        half = 1 - half;
        work.progress().sent(piece);
        return Next.GO;
    }

    /** False after a wait for room: it has to be offered again. */
    private boolean isSent(SendResult result) throws InterruptedException {
        if (stopped || Thread.interrupted()) {
            throw new InterruptedException();
        }
        return switch (result) {
            case OK -> true;
            case BACK_PRESSURED -> {
                work.transfer().awaitWritable(WRITABLE_NANOS);
                yield false;
            }
            case CLOSED ->
                    throw new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "the decoder closed the channel or ended the transfer");
        };
    }
}
