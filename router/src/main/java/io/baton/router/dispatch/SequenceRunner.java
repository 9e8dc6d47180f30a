package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Drives one {@link SequenceMachine} on the calling thread. The legs' flow control bounds the
 * queue: each has at most {@link GrpcLegs#WINDOW} events under way.
 */
final class SequenceRunner {
    /** Two legs' windows, their ends, a cancel: nothing legal exceeds it. */
    private static final int CAPACITY = 8 * GrpcLegs.WINDOW;

    private final LinkedBlockingQueue<LegEvent> events = new LinkedBlockingQueue<>(CAPACITY);
    private volatile boolean cancelled;

    /** Takes an event from any thread; never blocks. */
    void offer(LegEvent event) {
        if (!events.offer(event)) {
            cancelled = true;
        }
    }

    /** Ends the sequence soon; from any thread. */
    void cancel() {
        cancelled = true;
        events.offer(new LegEvent.Woken());
    }

    /** Runs the machine to its end. */
    void run(SequenceMachine machine, Ticker ticker) {
        try {
            machine.start();
            while (!machine.isOver()) {
                LegEvent event = next(machine, ticker);
                machine.on(cancelled ? new LegEvent.Cancelled() : event);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            machine.fail(new BatonException(ErrorCode.DRAINING, "the router stops", null, e));
        } catch (RuntimeException e) {
            machine.fail(
                    new BatonException(
                            ErrorCode.INTERNAL,
                            "the router failed in its own code; the log has the details",
                            null,
                            e));
            throw e;
        }
    }

    private LegEvent next(SequenceMachine machine, Ticker ticker) throws InterruptedException {
        long wait = machine.wakeAtNanos() - ticker.nanos();
        @Nullable LegEvent event = events.poll(Math.max(0, wait), TimeUnit.NANOSECONDS);
        return event == null ? new LegEvent.Woken() : event;
    }
}
