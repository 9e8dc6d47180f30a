package io.baton.kv.transfer;

import java.util.ArrayDeque;

/**
 * What of one transfer has arrived. A keep-alive is a mark: the receiver handles frames in their
 * order and repeats the mark's number, so with it all before has arrived and is decoded. Under the
 * transfer's lock.
 */
final class Arrivals {
    /** Marks that nobody answered; a receiver that answers none is soon found dead. */
    private static final int MOST_MARKS = 4096;

    private final LinkMeasure measure;
    private final ArrayDeque<Mark> marks = new ArrayDeque<>();
    private Sums sent = new Sums(0, 0, 0);
    private Sums arrived = sent;
    private long waitingSinceNanos;

    private record Mark(long sequence, long nanos, Sums sent) {}

    /**
     * @param decodeNanos expected for all of it
     */
    private record Sums(long rawBytes, long bytes, double decodeNanos) {}

    Arrivals(LinkMeasure measure) {
        this.measure = measure;
    }

    /** A part was taken by the channel. */
    void sent(int way, long rawBytes, long bytes, long nowNanos) {
        if (sent.bytes == arrived.bytes) {
            waitingSinceNanos = nowNanos;
        }
        sent =
                new Sums(
                        sent.rawBytes + rawBytes,
                        sent.bytes + bytes,
                        sent.decodeNanos + measure.decodeNanos(way, rawBytes));
    }

    void marked(long sequence, long nowNanos) {
        if (marks.size() < MOST_MARKS) {
            marks.add(new Mark(sequence, nowNanos, sent));
        }
    }

    /**
     * A mark was answered.
     *
     * @return whether more has arrived
     */
    boolean answered(long sequence, long nowNanos) {
        Mark last = null;
        while (!marks.isEmpty() && marks.peek().sequence <= sequence) {
            last = marks.poll();
        }
        if (last == null) {
            return false;
        }
        // What waited before the mark only makes it longer: the shortest is near the truth.
        measure.answered(nowNanos - last.nanos);
        long bytes = last.sent.bytes - arrived.bytes;
        if (bytes <= 0) {
            return false;
        }
        measure.delivered(
                bytes,
                nowNanos - waitingSinceNanos,
                last.sent.decodeNanos - arrived.decodeNanos,
                nowNanos);
        arrived = last.sent;
        waitingSinceNanos = nowNanos;
        return true;
    }

    KvSenders.Delivery at(long nowNanos) {
        return new KvSenders.Delivery(
                sent.rawBytes,
                arrived.rawBytes,
                sent.bytes,
                arrived.bytes,
                sent.bytes == arrived.bytes ? 0 : nowNanos - waitingSinceNanos);
    }
}
