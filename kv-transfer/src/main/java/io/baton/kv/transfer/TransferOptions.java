package io.baton.kv.transfer;

import io.baton.common.kv.KvLink;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.Hello;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a worker moves KV: the same for its receiver and its senders.
 *
 * @param channel hello, token, codecs, queue and channel bounds, clock
 * @param times deadlines
 * @param maxTransfers live transfers of one receiver or one {@link KvSenders}
 * @param advertisedHost host that senders are told instead of the one listened on; null for that
 *     one. Needed where all addresses are listened on.
 * @param coding how KV is coded that is sent
 * @param link what may carry KV
 * @param connections most connections to one receiver, and threads of one that listens, where
 *     several carry more than one
 */
public record TransferOptions(
        ChannelOptions channel,
        Times times,
        int maxTransfers,
        @Nullable String advertisedHost,
        SendCoding coding,
        KvLink link,
        int connections) {
    public TransferOptions {
        if (connections < 1) {
            throw new IllegalArgumentException("at least one connection: " + connections);
        }
        if (maxTransfers < 1) {
            throw new IllegalArgumentException("at least one transfer: " + maxTransfers);
        }
    }

    /** The usual options. */
    public static TransferOptions of(Hello hello, ClusterToken token, Ticker ticker) {
        return new TransferOptions(
                ChannelOptions.of(hello, token, ticker),
                Times.DEFAULT,
                4096,
                null,
                SendCoding.plain(),
                KvLink.AUTO,
                1);
    }

    public TransferOptions withChannel(ChannelOptions next) {
        return new TransferOptions(
                next, times, maxTransfers, advertisedHost, coding, link, connections);
    }

    public TransferOptions withTimes(Times next) {
        return new TransferOptions(
                channel, next, maxTransfers, advertisedHost, coding, link, connections);
    }

    public TransferOptions withAdvertisedHost(@Nullable String host) {
        return new TransferOptions(channel, times, maxTransfers, host, coding, link, connections);
    }

    public TransferOptions withCoding(SendCoding next) {
        return new TransferOptions(
                channel, times, maxTransfers, advertisedHost, next, link, connections);
    }

    public TransferOptions withConnections(int next) {
        return new TransferOptions(
                channel, times, maxTransfers, advertisedHost, coding, link, next);
    }

    public TransferOptions withLink(KvLink next) {
        return new TransferOptions(
                channel, times, maxTransfers, advertisedHost, coding, next, connections);
    }

    /**
     * Deadlines.
     *
     * @param keepAliveNanos a sender says so often that a transfer lives
     * @param stallNanos a receiver fails a transfer that began and then is silent for so long
     * @param silenceNanos a sender gives up a channel with live transfers whose peer is silent for
     *     so long, though it answers keep-alives: a connection cut without a word
     * @param idleNanos a channel without transfers is closed after so long
     */
    public record Times(long keepAliveNanos, long stallNanos, long silenceNanos, long idleNanos) {
        /** Half a second, 1.9 s (with two ticks: 2 s), 5 s, a minute. */
        public static final Times DEFAULT =
                new Times(
                        Duration.ofMillis(500).toNanos(),
                        Duration.ofMillis(1900).toNanos(),
                        Duration.ofSeconds(5).toNanos(),
                        Duration.ofMinutes(1).toNanos());

        public Times {
            if (keepAliveNanos <= 0
                    || stallNanos <= keepAliveNanos
                    || silenceNanos <= keepAliveNanos
                    || idleNanos <= 0) {
                throw new IllegalArgumentException(
                        "stall and silence must be longer than the keep-alive interval");
            }
        }
    }
}
