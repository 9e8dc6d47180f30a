package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.net.URI;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Frames through memory within one process: {@code loopback://name}. The same bytes, handshake and
 * threads as over a socket, without the socket; names live in the process, whoever loads the
 * provider.
 */
public final class LoopbackChannelProvider implements KvChannelProvider {
    private static final int PIPE_BYTES = 256 << 10;
    private static final ConcurrentHashMap<String, LoopbackLoop> LISTENING =
            new ConcurrentHashMap<>();

    @Override
    public String scheme() {
        return "loopback";
    }

    @Override
    public Reach reach() {
        return Reach.PROCESS;
    }

    @Override
    public URI listenUrl(String host, int port, String name) {
        return URI.create("loopback://" + name);
    }

    @Override
    public Listener listen(URI url, ChannelOptions options, ChannelHandler handler) {
        String name = name(url);
        LoopbackLoop loop =
                new LoopbackLoop("baton-kv-receive", new ChannelGroup(options, handler));
        if (LISTENING.putIfAbsent(name, loop) != null) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION, url + " is already in use", "kv.host");
        }
        loop.start();
        return new LoopbackListener(url, loop);
    }

    @Override
    public Connector connector(ChannelOptions options, ChannelHandler handler) {
        LoopbackLoop loop = new LoopbackLoop("baton-kv-send", new ChannelGroup(options, handler));
        loop.start();
        return new LoopbackConnector(loop, options);
    }

    private static String name(URI url) {
        String name = url.getAuthority();
        if (name == null) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "an in-process channel URL is loopback://NAME, got " + url,
                    "kv.host");
        }
        return name;
    }

    private record LoopbackListener(URI url, LoopbackLoop loop) implements Listener {
        @Override
        public void close() {
            LISTENING.remove(name(url), loop);
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
        }
    }

    private record LoopbackConnector(LoopbackLoop loop, ChannelOptions options)
            implements Connector {
        @Override
        public KvChannel connect(URI url) throws InterruptedException {
            @Nullable LoopbackLoop listening = LISTENING.get(name(url));
            if (listening == null || listening.group().isFull()) {
                throw new BatonException(
                        ErrorCode.KV_TRANSFER_FAILED,
                        listening == null
                                ? "nobody listens on " + url
                                : url + " has as many channels as it may");
            }
            FramedChannel channel =
                    LoopbackTransport.pair(
                            loop, listening, PIPE_BYTES, new Handshake.Sender(options));
            return Opening.await(channel, url, options.bounds().handshakeNanos());
        }

        @Override
        public void close() {
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV sender is closed"));
        }
    }
}
