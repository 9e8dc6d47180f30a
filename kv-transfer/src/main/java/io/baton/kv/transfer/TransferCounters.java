package io.baton.kv.transfer;

import java.util.concurrent.atomic.LongAdder;

/** Counts what a receiver or senders do, for metrics. Safe for any thread. */
public final class TransferCounters {
    final LongAdder payloadBytes = new LongAdder();
    final LongAdder frames = new LongAdder();
    final LongAdder duplicates = new LongAdder();
    final LongAdder checksumErrors = new LongAdder();
    final LongAdder invalidFrames = new LongAdder();
    final LongAdder staleFrames = new LongAdder();
    final LongAdder stalls = new LongAdder();
    final LongAdder backPressured = new LongAdder();
    final LongAdder channelsOpened = new LongAdder();
    final LongAdder channelsClosed = new LongAdder();
    final LongAdder completed = new LongAdder();
    final LongAdder failed = new LongAdder();

    TransferCounters() {}

    /** The counts now; each is exact, together they are not one instant. */
    public Counts snapshot() {
        return new Counts(
                payloadBytes.sum(),
                frames.sum(),
                duplicates.sum(),
                checksumErrors.sum(),
                invalidFrames.sum(),
                staleFrames.sum(),
                stalls.sum(),
                backPressured.sum(),
                channelsOpened.sum(),
                channelsClosed.sum(),
                completed.sum(),
                failed.sum());
    }

    /**
     * Counts since the start.
     *
     * @param payloadBytes payload bytes of data frames
     * @param frames data frames
     * @param duplicates parts, or fragments, that came again and changed nothing
     * @param checksumErrors frames whose checksum was wrong
     * @param invalidFrames other bytes that were no valid frame
     * @param staleFrames frames of an unknown or ended transfer, a stale epoch or incarnation
     * @param stalls transfers and channels given up because the peer was silent
     * @param backPressured offers refused because the queue was full
     * @param channelsOpened channels opened
     * @param channelsClosed channels gone
     * @param completed transfers that ended well
     * @param failed transfers that failed or were lost
     */
    public record Counts(
            long payloadBytes,
            long frames,
            long duplicates,
            long checksumErrors,
            long invalidFrames,
            long staleFrames,
            long stalls,
            long backPressured,
            long channelsOpened,
            long channelsClosed,
            long completed,
            long failed) {}
}
