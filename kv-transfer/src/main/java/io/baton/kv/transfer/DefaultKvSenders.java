package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.kv.channel.ChannelHandler;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.SendResult;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.Reason;
import io.baton.kv.transfer.Connecting.Connected;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@link KvSenders} over any channel: one to a receiver or several, made when they are first needed
 * and again after they were lost, over the best of its offers that works. {@code onLost} is called
 * on the channel's I/O thread.
 */
public final class DefaultKvSenders implements KvSenders {
    private final TransferOptions options;
    private final Ticker ticker;
    private final Map<String, KvChannelProvider.Connector> connectors = new ConcurrentHashMap<>();
    private final Map<List<ChannelOffer>, Lanes> receivers = new ConcurrentHashMap<>();
    private final Map<TransferId, Outbound> live = new ConcurrentHashMap<>();
    private final Map<Long, ProfileOffer> profiles = new ConcurrentHashMap<>();
    private final ControlFrames control = new ControlFrames();
    private final TransferCounters counters = new TransferCounters();
    private final Home home = new Home();
    private final Connecting connecting;
    private volatile boolean closed;

    private DefaultKvSenders(TransferOptions options) {
        this.options = options;
        this.ticker = options.channel().ticker();
        this.connecting =
                new Connecting(
                        ChannelPlan.Here.of(options),
                        ticker,
                        2 * options.channel().bounds().handshakeNanos(),
                        options.coding(),
                        this::connector);
    }

    /** Makes senders; threads start with the first connection. */
    public static DefaultKvSenders of(TransferOptions options) {
        return new DefaultKvSenders(options);
    }

    /** What has been counted. */
    public TransferCounters counters() {
        return counters;
    }

    /** Receivers with a channel, or one that is being made. */
    public int knownReceivers() {
        return receivers.size();
    }

    /** Transfers not closed yet. */
    public int liveTransfers() {
        return live.size();
    }

    /**
     * {@inheritDoc}
     *
     * @throws BatonException also STALE_EPOCH if the receiver has started anew since the ticket,
     *     OVERLOADED at {@code maxTransfers}, DRAINING after close, CONFIGURATION if one layer of a
     *     chunk is longer than the send queue
     */
    @Override
    public OutboundTransfer open(
            List<ChannelOffer> offers,
            TransferId id,
            TransferSpec spec,
            OutboundListener listener) {
        requireFit(spec);
        if (live.size() >= options.maxTransfers()) {
            throw new BatonException(
                    ErrorCode.OVERLOADED,
                    "%d KV transfers are being sent, the limit".formatted(live.size()));
        }
        // A channel that is closing just now answers CLOSED; the second attempt makes a new one.
        for (int attempt = 0; attempt < 2; attempt++) {
            Lanes.Place place = place(offers);
            try {
                Outbound outbound = open(offers, id, spec, listener, place);
                if (outbound != null) {
                    return outbound;
                }
            } catch (RuntimeException e) {
                place.leave();
                throw e;
            }
            place.leave();
        }
        throw new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "the channel to " + urls(offers) + " closes again and again");
    }

    /** Null if the channel closed just now. */
    private @Nullable Outbound open(
            List<ChannelOffer> offers,
            TransferId id,
            TransferSpec spec,
            OutboundListener listener,
            Lanes.Place place) {
        Connected connected = channel(offers, place);
        KvChannel channel = connected.channel();
        requireIncarnation(id, channel.peer().hello());
        Outbound.Context context =
                new Outbound.Context(
                        ticker,
                        options.channel().bounds().queueBytes(),
                        options.coding().adaptive(),
                        connected,
                        place);
        Outbound outbound = new Outbound(id, spec, listener, home, context);
        if (live.putIfAbsent(id, outbound) != null) {
            throw new IllegalArgumentException("transfer " + id + " is already being sent");
        }
        if (outbound.keepAlive(ticker.nanos(), 0) != SendResult.CLOSED) {
            return outbound;
        }
        outbound.discard();
        forgetChannel(channel);
        return null;
    }

    private static String urls(List<ChannelOffer> offers) {
        return offers.stream().map(ChannelOffer::url).collect(Collectors.joining(", "));
    }

    private void requireFit(TransferSpec spec) {
        Hello hello = options.channel().hello();
        if (!spec.layout().equals(hello.layout()) || spec.chunkTokens() != hello.chunkTokens()) {
            throw new IllegalArgumentException(
                    "%s does not fit this worker's %s".formatted(spec, hello));
        }
    }

    private static void requireIncarnation(TransferId id, Hello receiver) {
        if (receiver.incarnation() != id.incarnation()) {
            throw new BatonException(
                    ErrorCode.STALE_EPOCH,
                    "the receiver is %s, incarnation %d, but the ticket is of incarnation %d: ask for a new one"
                            .formatted(
                                    receiver.workerId(), receiver.incarnation(), id.incarnation()));
        }
    }

    /** A place on a connection; until it is left, the receiver is not forgotten. */
    private Lanes.Place place(List<ChannelOffer> offers) {
        AtomicReference<Lanes.@Nullable Place> place = new AtomicReference<>();
        receivers.compute(
                offers,
                (key, known) -> {
                    Lanes lanes =
                            known == null
                                    ? new Lanes(options.connections(), ticker.nanos())
                                    : known;
                    place.set(lanes.enter());
                    return lanes;
                });
        return Objects.requireNonNull(place.get());
    }

    private Connected channel(List<ChannelOffer> offers, Lanes.Place place) {
        if (closed) {
            throw new BatonException(ErrorCode.DRAINING, "the KV senders are closed");
        }
        try {
            return place.link().channel(() -> connect(offers, place.lane()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "connecting to " + urls(offers) + " was interrupted");
        }
    }

    private Connected connect(List<ChannelOffer> offers, int lane) throws InterruptedException {
        Connected connected = connecting.connect(offers, lane);
        bringProfile(connected);
        return connected;
    }

    /** Before anything is coded with a profile, the receiver has it. */
    private void bringProfile(Connected connected) throws InterruptedException {
        KvChannel channel = connected.channel();
        long id = connected.measure().ways().getLast().setting().profile();
        KvProfile profile = id == 0 ? null : options.coding().known().known(id);
        if (profile == null) {
            return;
        }
        channel.peer().codecs().forEach(codec -> codec.prepare(id));
        ProfileOffer offer =
                new ProfileOffer(channel, profile, options.channel().bounds().queueBytes());
        profiles.put(channel.id(), offer);
        try {
            offer.bring();
        } catch (BatonException e) {
            channel.close(e);
            throw e;
        } catch (InterruptedException e) {
            channel.close(
                    new BatonException(ErrorCode.KV_TRANSFER_FAILED, "connecting was interrupted"));
            throw e;
        } finally {
            profiles.remove(channel.id());
        }
    }

    /** Each lane has a thread of its own, and with it a handler. */
    private KvChannelProvider.Connector connector(KvChannelProvider provider, int lane) {
        return connectors.computeIfAbsent(
                provider.scheme() + lane,
                key -> provider.connector(options.channel(), new Frames()));
    }

    private void forgetChannel(KvChannel channel) {
        receivers.values().forEach(lanes -> lanes.forget(channel));
    }

    @Override
    public void close() {
        closed = true;
        BatonException reason = new BatonException(ErrorCode.DRAINING, "the KV senders are closed");
        for (Outbound outbound : List.copyOf(live.values())) {
            outbound.endBecause(reason);
        }
        connectors.values().forEach(KvChannelProvider.Connector::close);
    }

    /** What transfers need, whichever carries them. */
    private final class Home implements Outbound.Home {
        @Override
        public void forget(Outbound outbound) {
            live.remove(outbound.id(), outbound);
            outbound.place().leave();
        }

        @Override
        public ControlFrames control() {
            return control;
        }

        @Override
        public TransferCounters counters() {
            return counters;
        }
    }

    /** What comes back over one carrier, on its I/O thread. */
    private final class Frames implements ChannelHandler {
        private final Set<KvChannel> channels = ConcurrentHashMap.newKeySet();

        @Override
        public void onOpen(KvChannel channel) {
            channels.add(channel);
            counters.channelsOpened.increment();
        }

        @Override
        public void onFrame(KvChannel channel, FrameHeader header, MemorySegment payload) {
            switch (header.type()) {
                case KEEPALIVE -> {
                    // The channel has noted that the peer lives.
                    @Nullable Outbound outbound = live.get(idOf(header));
                    if (outbound != null && outbound.channel() == channel) {
                        outbound.arrived(header.sequence(), ticker.nanos());
                    }
                }
                case CLOSED -> {
                    @Nullable Outbound outbound = live.get(idOf(header));
                    if (outbound != null && outbound.channel() == channel) {
                        outbound.closedByReceiver(
                                Reason.decode(payload.toArray(ValueLayout.JAVA_BYTE)));
                    }
                }
                case PROFILE_WANT -> {
                    @Nullable ProfileOffer offer = profiles.get(channel.id());
                    if (offer != null) {
                        offer.onWant(payload);
                    }
                }
                case HELLO,
                        CHALLENGE,
                        PROOF,
                        HELLO_OK,
                        REFUSED,
                        DATA,
                        END,
                        ABORT,
                        PROFILE_OFFER,
                        PROFILE ->
                        throw new IllegalStateException(
                                "the frame rules let through " + header.type());
            }
        }

        private static TransferId idOf(FrameHeader header) {
            return new TransferId(header.transfer(), header.epoch(), header.incarnation());
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
            counters.channelsClosed.increment();
            channels.remove(channel);
            forgetChannel(channel);
            @Nullable ProfileOffer offer = profiles.get(channel.id());
            if (offer != null) {
                offer.fail(reason);
            }
            failAll(channel, reason);
        }

        private void failAll(KvChannel channel, BatonException reason) {
            for (Outbound outbound : live.values()) {
                if (outbound.channel() == channel) {
                    outbound.channelLost(reason);
                }
            }
        }

        @Override
        public void onTick(long nowNanos) {
            for (Outbound outbound : live.values()) {
                if (channels.contains(outbound.channel())) {
                    outbound.keepAlive(nowNanos, options.times().keepAliveNanos());
                }
            }
            receivers.forEach(
                    (offers, lanes) -> {
                        for (Link link : lanes.links()) {
                            @Nullable KvChannel channel = link.current();
                            if (channel != null && channels.contains(channel)) {
                                look(link, channel, nowNanos);
                            }
                        }
                        if (lanes.areUnused()) {
                            // Decoders that start anew have new addresses: old ones must not pile
                            // up.
                            receivers.computeIfPresent(
                                    offers, (key, same) -> same.areUnused() ? null : same);
                        }
                    });
        }

        private void look(Link link, KvChannel channel, long nowNanos) {
            boolean used = live.values().stream().anyMatch(o -> o.isSendingOn(channel));
            long quiet =
                    Math.min(nowNanos - channel.heardNanos(), link.usedForNanos(used, nowNanos));
            if (used && quiet > options.times().silenceNanos()) {
                counters.stalls.increment();
                BatonException reason =
                        new BatonException(
                                ErrorCode.KV_TRANSFER_FAILED,
                                "%s was silent for %d ms, limit %d"
                                        .formatted(
                                                channel.peer().hello().workerId(),
                                                quiet / 1_000_000,
                                                options.times().silenceNanos() / 1_000_000));
                link.forget(channel);
                failAll(channel, reason);
                channel.close(reason);
            } else if (!used && nowNanos - channel.heardNanos() > options.times().idleNanos()) {
                link.forget(channel);
                channel.close(
                        new BatonException(ErrorCode.KV_TRANSFER_FAILED, "the channel was idle"));
            }
        }
    }
}
