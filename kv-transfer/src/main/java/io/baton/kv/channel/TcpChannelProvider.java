package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Frames over TCP: {@code tcp://host:port}. With TLS in the options bytes are encrypted and both
 * sides show certificates; without, the cluster token keeps strangers out of a network that is
 * itself trusted.
 */
public final class TcpChannelProvider implements KvChannelProvider {
    private static final String SCHEME = "tcp";
    private static final int BACKLOG = 128;
    private static final Comparator<NioLoop> FEWEST_CHANNELS =
            Comparator.comparingInt(loop -> loop.group().size());

    @Override
    public String scheme() {
        return SCHEME;
    }

    @Override
    public boolean encrypts() {
        return true;
    }

    @Override
    public Listener listen(URI url, ChannelOptions options, ChannelHandler handler) {
        return listen(url, options, 1, () -> handler);
    }

    @Override
    public Listener listen(
            URI url, ChannelOptions options, int threads, Supplier<ChannelHandler> handlers) {
        InetSocketAddress address = SocketUrl.address(url);
        if (options.tls() == null) {
            SocketUrl.requireToken(address, options);
        }
        try {
            ServerSocketChannel server = ServerSocketChannel.open();
            try {
                URI bound = bind(server, address, options);
                return new TcpListener(server, bound, loops(server, options, threads, handlers));
            } catch (IOException | RuntimeException e) {
                server.close();
                throw e;
            }
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "cannot listen for KV on %s: %s".formatted(address, e.getMessage()),
                    "kv.host",
                    e);
        }
    }

    private static URI bind(
            ServerSocketChannel server, InetSocketAddress address, ChannelOptions options)
            throws IOException {
        server.configureBlocking(false);
        server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        int bufferBytes = options.bounds().socketBufferBytes();
        if (bufferBytes > 0) {
            server.setOption(StandardSocketOptions.SO_RCVBUF, bufferBytes);
        }
        server.bind(address, BACKLOG);
        int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
        return SocketUrl.of(SCHEME, address.getHostString(), port);
    }

    /** Starts the threads: the first accepts, all take in turn. */
    private static List<NioLoop> loops(
            ServerSocketChannel server,
            ChannelOptions options,
            int threads,
            Supplier<ChannelHandler> handlers) {
        ChannelOptions.Bounds bounds = options.bounds();
        ChannelOptions share =
                options.withBounds(
                        bounds.withMaxChannels(Math.ceilDiv(bounds.maxChannels(), threads)));
        List<NioLoop> loops =
                IntStream.range(0, threads)
                        .mapToObj(
                                i ->
                                        new NioLoop(
                                                "baton-kv-receive",
                                                new ChannelGroup(share, handlers.get())))
                        .toList();
        loops.forEach(NioLoop::start);
        loops.getFirst()
                .listen(
                        server,
                        new NioLoop.Accepting() {
                            @Override
                            public SelectedTransport transport(SocketChannel socket, NioLoop loop)
                                    throws IOException {
                                configure(socket, options);
                                return TcpChannelProvider.transport(socket, loop, options, false);
                            }

                            private int turn;

                            @Override
                            public NioLoop next(NioLoop accepting) {
                                NioLoop next = loops.get(Math.floorMod(turn++, loops.size()));
                                return next.group().isFull()
                                        ? Collections.min(loops, FEWEST_CHANNELS)
                                        : next;
                            }
                        });
        return loops;
    }

    @Override
    public Connector connector(ChannelOptions options, ChannelHandler handler) {
        NioLoop loop = new NioLoop("baton-kv-send", new ChannelGroup(options, handler));
        loop.start();
        return new TcpConnector(loop, options);
    }

    private static SelectedTransport transport(
            SocketChannel socket, NioLoop loop, ChannelOptions options, boolean connects) {
        NioTransport plain = new NioTransport(socket);
        ChannelTls tls = options.tls();
        return tls == null ? plain : new TlsTransport(loop, plain, tls.engine(connects));
    }

    private static void configure(SocketChannel socket, ChannelOptions options) throws IOException {
        socket.configureBlocking(false);
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        int bytes = options.bounds().socketBufferBytes();
        if (bytes > 0) {
            socket.setOption(StandardSocketOptions.SO_SNDBUF, bytes);
            socket.setOption(StandardSocketOptions.SO_RCVBUF, bytes);
        }
    }

    private record TcpListener(ServerSocketChannel server, URI url, List<NioLoop> loops)
            implements Listener {
        @Override
        public void close() {
            try {
                server.close();
            } catch (IOException e) {
                System.getLogger(TcpChannelProvider.class.getName())
                        .log(System.Logger.Level.DEBUG, "closing a listening socket", e);
            }
            BatonException reason =
                    new BatonException(ErrorCode.DRAINING, "the KV receiver is closed");
            loops.forEach(loop -> loop.close(reason));
        }
    }

    private record TcpConnector(NioLoop loop, ChannelOptions options) implements Connector {
        @Override
        public KvChannel connect(URI url) throws InterruptedException {
            InetSocketAddress address = SocketUrl.address(url);
            FramedChannel channel;
            try {
                SocketChannel socket = SocketChannel.open();
                try {
                    configure(socket, options);
                    socket.connect(address);
                } catch (IOException | RuntimeException e) {
                    socket.close();
                    throw e;
                }
                channel =
                        loop.connect(
                                transport(socket, loop, options, true),
                                new Handshake.Sender(options));
            } catch (IOException e) {
                throw new BatonException(
                        ErrorCode.KV_TRANSFER_FAILED,
                        "cannot connect to %s: %s".formatted(url, e.getMessage()),
                        null,
                        e);
            }
            return Opening.await(channel, url, options.bounds().handshakeNanos());
        }

        @Override
        public void close() {
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV sender is closed"));
        }
    }
}
