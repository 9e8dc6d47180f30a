package io.baton.kv.transfer;

import io.baton.kv.adapt.Choice;
import io.baton.kv.adapt.Forecast;
import io.baton.kv.adapt.Goodput;
import io.baton.kv.adapt.Ladder;
import io.baton.kv.adapt.LevelPolicy;
import io.baton.kv.adapt.Moment;
import io.baton.kv.adapt.PolicyOptions;
import java.util.List;
import java.util.Optional;

/**
 * What has been measured of one channel, over all its transfers: how much it delivers, how well and
 * how fast each way codes, and how long an answer takes. Safe for any thread.
 */
final class LinkMeasure {
    private final List<SendWay> ways;
    private final Ladder ladder;
    private final Goodput goodput = new Goodput();
    private long roundTripNanos = Long.MAX_VALUE;

    /**
     * @param ways finest first
     */
    LinkMeasure(List<SendWay> ways) {
        this.ways = List.copyOf(ways);
        this.ladder = new Ladder(ways.stream().map(SendWay::expected).toList());
    }

    List<SendWay> ways() {
        return ways;
    }

    /** A mark was answered after so long. */
    synchronized void answered(long nanos) {
        roundTripNanos = Math.min(roundTripNanos, nanos);
    }

    /**
     * Coded bytes have arrived.
     *
     * @param nanos since they were all that was on its way, or since the arrival before
     * @param decodeNanos what decoding them is expected to take
     */
    synchronized void delivered(long bytes, long nanos, double decodeNanos, long nowNanos) {
        double trip = roundTripNanos == Long.MAX_VALUE ? 0 : roundTripNanos;
        goodput.delivered(bytes, nanos, decodeNanos + trip, nowNanos);
    }

    synchronized void encoded(int way, long rawBytes, long codedBytes, long nanos) {
        ladder.encoded(way, rawBytes, codedBytes, nanos);
    }

    /** Expected time of decoding by one way. */
    synchronized double decodeNanos(int way, long rawBytes) {
        return rawBytes / ladder.rung(way).decodeBytesPerSecond() * 1e9;
    }

    /**
     * The policy of one transfer.
     *
     * @param receiverBytesPerSecond raw bytes that the receiver decodes in a second; 0 if unknown
     */
    synchronized KvSenders.StreamPolicy policy(Forecast forecast, double receiverBytesPerSecond) {
        ladder.decodes(receiverBytesPerSecond);
        LevelPolicy policy =
                new LevelPolicy(PolicyOptions.of(ways.size() - 1), forecast, ladder, goodput);
        return new KvSenders.StreamPolicy() {
            @Override
            public Choice next(Moment moment) {
                synchronized (LinkMeasure.this) {
                    return policy.next(moment);
                }
            }

            @Override
            public Optional<Choice> whileWaiting(Moment moment) {
                synchronized (LinkMeasure.this) {
                    return policy.whileWaiting(moment);
                }
            }
        };
    }
}
