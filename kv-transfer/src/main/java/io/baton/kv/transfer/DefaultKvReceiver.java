package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvLink;
import io.baton.common.time.Ticker;
import io.baton.common.worker.DecayedRatio;
import io.baton.kv.channel.ChannelHandler;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.PayloadPlace;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameType;
import io.baton.kv.frame.Reason;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A {@link KvReceiver} over any channel.
 *
 * <p>Sinks run on the channel's I/O thread, listeners there or on the thread that closes the
 * receiver. While one of them runs, {@link KvReceiver.InboundTransfer#close} of the same transfer
 * waits for it: a caller must not hold a lock then that its sink or listener takes.
 */
public final class DefaultKvReceiver implements KvReceiver {
    private static final System.Logger LOG = System.getLogger(DefaultKvReceiver.class.getName());

    private static final String TCP = "tcp";
    private static final double DECAY = 0.9;

    private final TransferOptions options;
    private final ConcurrentHashMap<Long, Inbound> live = new ConcurrentHashMap<>();
    private final ControlFrames control = new ControlFrames();
    private final TransferCounters counters = new TransferCounters();
    private final Home home = new Home();
    private final ProfileIntakes intakes;
    private final List<KvChannelProvider.Listener> listeners = new ArrayList<>();
    private final List<ChannelOffer> offers = new ArrayList<>();
    private final DecayedRatio decodeBytesPerSecond = new DecayedRatio(DECAY);
    private volatile boolean closed;

    private DefaultKvReceiver(TransferOptions options) {
        this.options = options;
        this.intakes = new ProfileIntakes(options.coding().known(), options.channel().hello());
    }

    /**
     * Where sockets of a receiver listen.
     *
     * @param port 0 for any free one
     */
    public record Address(String host, int port) {}

    /**
     * Listens.
     *
     * @param url such as {@code tcp://127.0.0.1:0}; port 0 takes a free one
     * @throws BatonException CONFIGURATION if that is not possible, or not allowed without a token
     */
    public static DefaultKvReceiver listen(String url, TransferOptions options) {
        DefaultKvReceiver receiver = new DefaultKvReceiver(options);
        URI parsed = parse(url);
        receiver.add(KvChannelProvider.of(parsed), parsed, "");
        return receiver;
    }

    /**
     * Listens on all that the options' link allows. With auto, what cannot be had is left out with
     * a line in the log; tcp must be there.
     *
     * @throws BatonException CONFIGURATION if what must be there cannot
     */
    public static DefaultKvReceiver listen(Address address, TransferOptions options) {
        DefaultKvReceiver receiver = new DefaultKvReceiver(options);
        try {
            Whereabouts here = Whereabouts.here();
            for (KvChannelProvider provider : KvChannelProvider.all()) {
                receiver.addIfAllowed(provider, address, here);
            }
            if (receiver.listeners.isEmpty()) {
                throw new BatonException(
                        ErrorCode.CONFIGURATION,
                        "no KV channel %s on this worker".formatted(options.link().label()),
                        "kv.channel");
            }
            return receiver;
        } catch (RuntimeException e) {
            receiver.close();
            throw e;
        }
    }

    private void addIfAllowed(KvChannelProvider provider, Address address, Whereabouts here) {
        boolean auto = options.link() == KvLink.AUTO;
        boolean must = provider.scheme().equals(auto ? TCP : options.link().label());
        if (!auto && !must) {
            return;
        }
        if (options.channel().tls() != null
                && !provider.reach().isLocal()
                && !provider.encrypts()) {
            if (must) {
                throw new BatonException(
                        ErrorCode.CONFIGURATION,
                        "kv.tls is set, and %s does not encrypt".formatted(provider.scheme()),
                        "kv.channel");
            }
            return;
        }
        String place = here.place(provider.reach());
        if (!must && (place == null || provider.unusable(true) != null)) {
            return;
        }
        // Two cannot listen on one port; tcp has the one that was asked for.
        int port = must || address.port() == 0 ? address.port() : address.port() + 1;
        String name = "kv" + Long.toHexString(options.channel().hello().incarnation());
        try {
            add(
                    provider,
                    provider.listenUrl(address.host(), port, name),
                    place == null ? "" : place);
        } catch (BatonException e) {
            if (must) {
                throw e;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "KV is not taken over {0}: {1}",
                    provider.scheme(),
                    e.text());
        }
    }

    private void add(KvChannelProvider provider, URI url, String place) {
        KvChannelProvider.Listener listener =
                provider.listen(url, options.channel(), options.connections(), Frames::new);
        listeners.add(listener);
        offers.add(new ChannelOffer(advertised(listener.url()), place));
    }

    static URI parse(String url) {
        try {
            return URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION, "not a channel URL: " + url, "kv.host", e);
        }
    }

    @Override
    public String url() {
        return offers.stream()
                .map(ChannelOffer::url)
                .filter(url -> url.startsWith(TCP + ":"))
                .findFirst()
                .orElse(offers.getFirst().url());
    }

    @Override
    public List<ChannelOffer> offers() {
        return List.copyOf(offers);
    }

    private String advertised(URI bound) {
        String host = options.advertisedHost();
        return host == null || bound.getPort() < 0
                ? bound.toString()
                : "%s://%s:%d".formatted(bound.getScheme(), host, bound.getPort());
    }

    @Override
    public double decodeBytesPerSecond() {
        return decodeBytesPerSecond.value();
    }

    /** What has been counted. */
    public TransferCounters counters() {
        return counters;
    }

    /** Transfers that are expected or running. */
    public int liveTransfers() {
        return live.size();
    }

    /**
     * {@inheritDoc}
     *
     * <p>A transfer of the same number and a lower epoch fails with STALE_EPOCH; a higher one must
     * not be known.
     *
     * @throws BatonException DRAINING after close, OVERLOADED at {@code maxTransfers}
     */
    @Override
    public InboundTransfer expect(
            TransferId id, TransferSpec spec, KvSink sink, InboundListener transferListener) {
        requireFit(id, spec);
        if (closed) {
            throw new BatonException(ErrorCode.DRAINING, "the KV receiver is closed");
        }
        if (live.size() >= options.maxTransfers()) {
            throw new BatonException(
                    ErrorCode.OVERLOADED,
                    "%d KV transfers are expected, the limit".formatted(live.size()));
        }
        Inbound inbound = new Inbound(id, spec, sink, transferListener, home);
        while (true) {
            @Nullable Inbound earlier = live.putIfAbsent(id.transfer(), inbound);
            if (earlier == null) {
                break;
            }
            if (earlier.id().epoch() >= id.epoch()) {
                throw new IllegalArgumentException(
                        "transfer %d is already expected under epoch %d, not older than %d"
                                .formatted(id.transfer(), earlier.id().epoch(), id.epoch()));
            }
            earlier.fail(
                    new BatonException(
                            ErrorCode.STALE_EPOCH,
                            "the transfer goes on under epoch " + id.epoch()));
        }
        if (closed) {
            inbound.fail(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
        }
        return inbound;
    }

    private void requireFit(TransferId id, TransferSpec spec) {
        Hello hello = options.channel().hello();
        if (id.incarnation() != hello.incarnation()
                || !spec.layout().equals(hello.layout())
                || spec.chunkTokens() != hello.chunkTokens()) {
            throw new IllegalArgumentException(
                    "transfer %s, %s does not fit this worker's %s".formatted(id, spec, hello));
        }
    }

    @Override
    public void close() {
        closed = true;
        BatonException reason = new BatonException(ErrorCode.DRAINING, "the KV receiver is closed");
        for (Inbound inbound : List.copyOf(live.values())) {
            inbound.fail(reason);
        }
        listeners.forEach(KvChannelProvider.Listener::close);
    }

    /** What transfers need, whichever carries them. */
    private final class Home implements Inbound.Home {
        @Override
        public void forget(Inbound inbound) {
            live.remove(inbound.id().transfer(), inbound);
        }

        @Override
        public void tellClosed(KvChannel channel, TransferId id, BatonException reason) {
            // If this cannot be queued, the sender hears it with its next frame.
            control.closed(channel, id, reason);
        }

        @Override
        public TransferCounters counters() {
            return counters;
        }

        @Override
        public Ticker ticker() {
            return options.channel().ticker();
        }

        @Override
        public void decoded(long rawBytes, long nanos) {
            decodeBytesPerSecond.add(rawBytes, nanos / 1e9);
        }
    }

    /** What comes in over one carrier, on its I/O thread. */
    private final class Frames implements ChannelHandler {
        private final Set<KvChannel> channels = ConcurrentHashMap.newKeySet();
        private long toldChannel;
        private @Nullable TransferId told;

        @Override
        public void onOpen(KvChannel channel) {
            channels.add(channel);
            counters.channelsOpened.increment();
        }

        @Override
        public void onFrame(KvChannel channel, FrameHeader header, MemorySegment payload) {
            if (header.type() == FrameType.PROFILE_OFFER) {
                intakes.onOffer(channel, payload);
                return;
            }
            if (header.type() == FrameType.PROFILE) {
                intakes.onPiece(channel, payload);
                return;
            }
            Inbound inbound = inbound(header);
            if (inbound == null) {
                onStale(channel, header);
                return;
            }
            inbound.onSign(channel, options.channel().ticker().nanos());
            switch (header.type()) {
                case DATA -> onData(channel, inbound, header, payload);
                case END -> inbound.onEnd(payload.toArray(ValueLayout.JAVA_BYTE));
                case ABORT ->
                        inbound.fail(
                                aborted(Reason.decode(payload.toArray(ValueLayout.JAVA_BYTE))));
                case KEEPALIVE -> control.keepAlive(channel, inbound.id(), header.sequence());
                case HELLO,
                        CHALLENGE,
                        PROOF,
                        HELLO_OK,
                        REFUSED,
                        CLOSED,
                        PROFILE_OFFER,
                        PROFILE_WANT,
                        PROFILE ->
                        throw new IllegalStateException(
                                "the frame rules let through " + header.type());
            }
        }

        /** The transfer that a frame is of; null if it is not known, or no longer. */
        private @Nullable Inbound inbound(FrameHeader header) {
            Inbound inbound = live.get(header.transfer());
            return inbound == null
                            || inbound.id().epoch() != header.epoch()
                            || inbound.id().incarnation() != header.incarnation()
                    ? null
                    : inbound;
        }

        @Override
        public @Nullable PayloadPlace place(KvChannel channel, FrameHeader header) {
            Inbound inbound = inbound(header);
            PartShape part = part(header);
            return inbound == null || header.payloadBytes() != part.rawBytes()
                    ? null
                    : inbound.place(channel, part);
        }

        private void onData(
                KvChannel channel, Inbound inbound, FrameHeader header, MemorySegment payload) {
            inbound.onData(codec(channel, header.codecId()), part(header), header, payload);
        }

        private PartShape part(FrameHeader header) {
            return new PartShape(
                    options.channel().hello().layout(),
                    header.firstLayer(),
                    header.layerCount(),
                    header.firstToken(),
                    header.tokenCount() / options.channel().hello().layout().blockTokens());
        }

        private KvCodec codec(KvChannel channel, int id) {
            List<KvCodec> codecs = channel.peer().codecs();
            for (int i = 0; i < codecs.size(); i++) {
                if (codecs.get(i).id() == id) {
                    return codecs.get(i);
                }
            }
            throw new IllegalStateException("the frame rules let through codec " + id);
        }

        private BatonException aborted(BatonException theirs) {
            return new BatonException(
                    theirs.code(), "the sender ended the transfer: " + theirs.text());
        }

        private void onStale(KvChannel channel, FrameHeader header) {
            counters.staleFrames.increment();
            TransferId id = new TransferId(header.transfer(), header.epoch(), header.incarnation());
            if (toldChannel == channel.id() && id.equals(told)) {
                return;
            }
            toldChannel = channel.id();
            told = id;
            home.tellClosed(
                    channel,
                    id,
                    new BatonException(
                            ErrorCode.STALE_EPOCH,
                            "the receiver does not know this transfer, or no longer"));
        }

        @Override
        public void onInvalid(FrameError error) {
            if (error == FrameError.CHECKSUM) {
                counters.checksumErrors.increment();
            } else {
                counters.invalidFrames.increment();
            }
        }

        @Override
        public void onClosed(KvChannel channel, BatonException reason) {
            channels.remove(channel);
            intakes.forget(channel);
            counters.channelsClosed.increment();
            for (Inbound inbound : live.values()) {
                if (inbound.channel() == channel) {
                    inbound.fail(reason);
                }
            }
        }

        @Override
        public void onTick(long nowNanos) {
            for (Inbound inbound : live.values()) {
                KvChannel from = inbound.channel();
                if (from != null && channels.contains(from)) {
                    inbound.failIfStalled(nowNanos, options.times().stallNanos());
                }
            }
            for (KvChannel channel : channels) {
                if (nowNanos - channel.heardNanos() > 2 * options.times().idleNanos()) {
                    channel.close(
                            new BatonException(
                                    ErrorCode.KV_TRANSFER_FAILED, "the channel was idle"));
                }
            }
        }
    }
}
