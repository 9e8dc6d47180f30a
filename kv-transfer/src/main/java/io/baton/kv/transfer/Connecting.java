package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.transfer.ChannelPlan.Candidate;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Opens the best channel to a receiver: tries what {@link ChannelPlan} says in its order, within a
 * limit of time, and remembers for a while what failed. Safe for any thread.
 */
final class Connecting {
    private static final System.Logger LOG = System.getLogger(Connecting.class.getName());

    /** How long an address that failed is left alone while there are others. */
    private static final long AVOID_NANOS = Duration.ofSeconds(30).toNanos();

    private static final int MOST_AVOIDED = 1024;

    /** The end that connects, of each carrier and lane. */
    @FunctionalInterface
    interface Connectors {
        KvChannelProvider.Connector of(KvChannelProvider provider, int lane);
    }

    /** A channel, what carries it, and what is measured of it. */
    record Connected(KvChannel channel, Carrier carrier, LinkMeasure measure) {}

    private final ChannelPlan.Here here;
    private final Ticker ticker;
    private final long limitNanos;
    private final SendCoding coding;
    private final Connectors connectors;
    private final Map<URI, Long> failedNanos = new LinkedHashMap<>();

    /**
     * @param limitNanos after it no further address is begun
     */
    Connecting(
            ChannelPlan.Here here,
            Ticker ticker,
            long limitNanos,
            SendCoding coding,
            Connectors connectors) {
        this.here = here;
        this.ticker = ticker;
        this.limitNanos = limitNanos;
        this.coding = coding;
        this.connectors = connectors;
    }

    /**
     * Connects.
     *
     * @param lane number of the connection among those to one receiver
     * @throws BatonException KV_TRANSFER_FAILED if none of the offers leads to the receiver,
     *     HANDSHAKE_MISMATCH if it does not fit
     */
    Connected connect(List<ChannelOffer> offers, int lane) throws InterruptedException {
        ChannelPlan plan = ChannelPlan.of(offers, here);
        List<String> against = new ArrayList<>(plan.passedOver());
        long begun = ticker.nanos();
        BatonException last = null;
        for (Candidate candidate : order(plan.candidates(), against)) {
            if (last != null && ticker.nanos() - begun >= limitNanos) {
                against.add(candidate.carrier().scheme() + ": no time left");
                continue;
            }
            try {
                KvChannel channel =
                        connectors.of(candidate.provider(), lane).connect(candidate.url());
                if (lane == 0) {
                    tell(channel, candidate, against);
                }
                Carrier carrier = candidate.carrier();
                return new Connected(
                        channel, carrier, new LinkMeasure(coding.ways(channel.peer(), carrier)));
            } catch (BatonException e) {
                if (e.code() == ErrorCode.HANDSHAKE_MISMATCH || e.code() == ErrorCode.DRAINING) {
                    // It was reached, or we are closing: another way leads to the same.
                    throw e;
                }
                avoid(candidate.url());
                against.add(candidate.carrier().scheme() + ": " + e.text());
                last = e;
            }
        }
        if (last != null && plan.candidates().size() == 1) {
            throw last;
        }
        throw new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "no channel to the receiver: " + String.join("; ", against),
                null,
                last);
    }

    /** Those that failed lately are tried last. */
    private List<Candidate> order(List<Candidate> all, List<String> against) {
        List<Candidate> good = new ArrayList<>();
        List<Candidate> bad = new ArrayList<>();
        for (Candidate candidate : all) {
            (isAvoided(candidate.url()) ? bad : good).add(candidate);
        }
        if (!good.isEmpty()) {
            bad.forEach(candidate -> against.add(candidate.carrier().scheme() + ": failed lately"));
        }
        good.addAll(bad);
        return good;
    }

    private synchronized boolean isAvoided(URI url) {
        Long failed = failedNanos.get(url);
        return failed != null && ticker.nanos() - failed < AVOID_NANOS;
    }

    private synchronized void avoid(URI url) {
        failedNanos.remove(url);
        failedNanos.put(url, ticker.nanos());
        if (failedNanos.size() > MOST_AVOIDED) {
            failedNanos.remove(failedNanos.keySet().iterator().next());
        }
    }

    private static void tell(KvChannel channel, Candidate chosen, List<String> against) {
        LOG.log(
                System.Logger.Level.INFO,
                "KV to {0} goes over {1}: {2}{3}",
                channel.peer().hello().workerId(),
                chosen.carrier().scheme(),
                chosen.reason(),
                against.isEmpty() ? "" : " (not " + String.join("; ", against) + ")");
    }
}
