package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * Frames over TCP: {@code tcp://host:port}. With TLS in the options bytes are encrypted and both
 * sides show certificates; without, the cluster token keeps strangers out of a network that is
 * itself trusted.
 */
public final class TcpChannelProvider implements KvChannelProvider {
    private static final String SCHEME = "tcp";
    private static final int BACKLOG = 128;

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
        InetSocketAddress address = SocketUrl.address(url);
        if (options.tls() == null) {
            SocketUrl.requireToken(address, options);
        }
        try {
            ServerSocketChannel server = ServerSocketChannel.open();
            try {
                return listen(server, address, options, handler);
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

    private static Listener listen(
            ServerSocketChannel server,
            InetSocketAddress address,
            ChannelOptions options,
            ChannelHandler handler)
            throws IOException {
        server.configureBlocking(false);
        server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        int bufferBytes = options.bounds().socketBufferBytes();
        if (bufferBytes > 0) {
            server.setOption(StandardSocketOptions.SO_RCVBUF, bufferBytes);
        }
        server.bind(address, BACKLOG);
        int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
        URI bound = SocketUrl.of(SCHEME, address.getHostString(), port);
        NioLoop loop = new NioLoop("baton-kv-receive", new ChannelGroup(options, handler));
        loop.start();
        loop.listen(
                server,
                socket -> {
                    configure(socket, options);
                    return transport(socket, loop, options, false);
                });
        return new TcpListener(server, bound, loop);
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

    private record TcpListener(ServerSocketChannel server, URI url, NioLoop loop)
            implements Listener {
        @Override
        public void close() {
            try {
                server.close();
            } catch (IOException e) {
                System.getLogger(TcpChannelProvider.class.getName())
                        .log(System.Logger.Level.DEBUG, "closing a listening socket", e);
            }
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
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
