package io.baton.kv.channel;

import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.RawCodec;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * How a worker's channels behave.
 *
 * @param hello what this worker says first
 * @param token shared secret; with none, only loopback addresses may be listened on
 * @param codecs known codecs, the favourite first
 * @param bounds sizes and times
 * @param ticker clock for all deadlines
 * @param nonces source of the handshake's nonces; must be unpredictable where a token is set
 * @param tls encrypts tcp; null leaves it as it is
 */
public record ChannelOptions(
        Hello hello,
        ClusterToken token,
        List<KvCodec> codecs,
        Bounds bounds,
        Ticker ticker,
        RandomGenerator nonces,
        @Nullable ChannelTls tls) {
    public ChannelOptions {
        codecs = List.copyOf(codecs);
        if (codecs.isEmpty()) {
            throw new IllegalArgumentException("at least one codec is needed");
        }
    }

    /** The usual options: raw codec, default bounds, secure nonces. */
    public static ChannelOptions of(Hello hello, ClusterToken token, Ticker ticker) {
        return new ChannelOptions(
                hello,
                token,
                List.of(new RawCodec()),
                Bounds.DEFAULT,
                ticker,
                new SecureRandom(),
                null);
    }

    public ChannelOptions withBounds(Bounds next) {
        return new ChannelOptions(hello, token, codecs, next, ticker, nonces, tls);
    }

    public ChannelOptions withHello(Hello next) {
        return new ChannelOptions(next, token, codecs, bounds, ticker, nonces, tls);
    }

    public ChannelOptions withTls(@Nullable ChannelTls next) {
        return new ChannelOptions(hello, token, codecs, bounds, ticker, nonces, next);
    }

    public ChannelOptions withCodecs(List<KvCodec> next) {
        return new ChannelOptions(hello, token, next, bounds, ticker, nonces, tls);
    }

    /**
     * Limits of one listener or connector.
     *
     * @param queueBytes bytes that may wait to be sent on one channel; more is back-pressure
     * @param maxChannels open channels
     * @param socketBufferBytes kernel buffer of a socket each way; 0 leaves it to the system, which
     *     on Linux grows it as needed
     * @param handshakeNanos from connecting to an open channel
     * @param writeStallNanos longest time without a byte taken or a word said by the peer while
     *     some wait
     * @param lingerNanos longest time to send what waits when a channel is closed in order
     * @param tickNanos how often deadlines are looked at
     */
    public record Bounds(
            int queueBytes,
            int maxChannels,
            int socketBufferBytes,
            long handshakeNanos,
            long writeStallNanos,
            long lingerNanos,
            long tickNanos) {
        public static final Bounds DEFAULT =
                new Bounds(
                        8 << 20,
                        256,
                        0,
                        Duration.ofSeconds(3).toNanos(),
                        Duration.ofMillis(1900).toNanos(),
                        Duration.ofSeconds(1).toNanos(),
                        Duration.ofMillis(25).toNanos());

        public Bounds {
            if (queueBytes < 64 << 10
                    || queueBytes > 1 << 30
                    || maxChannels < 1
                    || socketBufferBytes < 0
                    || handshakeNanos <= 0
                    || writeStallNanos <= 0
                    || lingerNanos < 0
                    || tickNanos <= 0) {
                throw new IllegalArgumentException(
                        "bad channel bounds: queue %d (64 KiB to 1 GiB), channels %d, socket %d"
                                .formatted(queueBytes, maxChannels, socketBufferBytes));
            }
        }

        public Bounds withMaxChannels(int channels) {
            return new Bounds(
                    queueBytes,
                    channels,
                    socketBufferBytes,
                    handshakeNanos,
                    writeStallNanos,
                    lingerNanos,
                    tickNanos);
        }

        public Bounds withQueueBytes(int bytes) {
            return new Bounds(
                    bytes,
                    maxChannels,
                    socketBufferBytes,
                    handshakeNanos,
                    writeStallNanos,
                    lingerNanos,
                    tickNanos);
        }
    }
}
