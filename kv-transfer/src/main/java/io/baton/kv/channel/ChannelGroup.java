package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The channels of one loop: bounded, ticked together, closed together. Safe for any thread. */
public final class ChannelGroup {
    private static final System.Logger LOG = System.getLogger(ChannelGroup.class.getName());

    private final Set<FramedChannel> channels = ConcurrentHashMap.newKeySet();
    private final ChannelOptions options;
    private final ChannelHandler handler;
    private long lastTickNanos;

    /** An empty group; the handler hears all its channels. */
    public ChannelGroup(ChannelOptions options, ChannelHandler handler) {
        this.options = options;
        this.handler = handler;
        this.lastTickNanos = options.ticker().nanos();
    }

    /** What the channels keep to. */
    public ChannelOptions options() {
        return options;
    }

    /** Hears the channels. */
    public ChannelHandler handler() {
        return handler;
    }

    /** Whether no further channel may be accepted. */
    public boolean isFull() {
        return channels.size() >= options.bounds().maxChannels();
    }

    /** Open channels. */
    int size() {
        return channels.size();
    }

    /** Whether all channels are gone. */
    public boolean isEmpty() {
        return channels.isEmpty();
    }

    void add(FramedChannel channel) {
        channels.add(channel);
    }

    void remove(FramedChannel channel) {
        channels.remove(channel);
    }

    /** Looks at deadlines if a tick has passed. Loop's thread. */
    public void tick() {
        long now = options.ticker().nanos();
        if (now - lastTickNanos < options.bounds().tickNanos()) {
            return;
        }
        lastTickNanos = now;
        for (FramedChannel channel : channels) {
            channel.tick(now);
        }
        try {
            handler.onTick(now);
        } catch (RuntimeException e) {
            // The thread serves all channels; the next tick looks again.
            LOG.log(System.Logger.Level.ERROR, "a tick of KV channels failed", e);
        }
    }

    /** Closes all in order: what waits is sent first. */
    public void closeAll(BatonException reason) {
        for (FramedChannel channel : List.copyOf(channels)) {
            channel.close(reason);
        }
    }

    /** Closes all at once. */
    public void abortAll(BatonException reason) {
        for (FramedChannel channel : List.copyOf(channels)) {
            channel.abort(reason);
        }
    }
}
