package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;

/**
 * Frames through memory that two processes of one user on one machine share: {@code
 * shm:///folder/name} is the local socket of the side that listens, {@code shm:///} one in a new
 * folder of its own. Nothing leaves the machine, so no cluster token is needed to listen; if there
 * is one, both sides prove it as over TCP.
 */
public final class ShmChannelProvider implements KvChannelProvider {
    private static final String SCHEME = "shm";

    @Override
    public String scheme() {
        return SCHEME;
    }

    @Override
    public Reach reach() {
        return Reach.HOST;
    }

    @Override
    public URI listenUrl(String host, int port, String name) {
        return URI.create("shm:///");
    }

    @Override
    public Listener listen(URI url, ChannelOptions options, ChannelHandler handler) {
        LocalSocket.path(url);
        try {
            LocalSocket socket = LocalSocket.bind(url);
            UserPrincipal owner = socket.owner();
            NioLoop loop = new NioLoop("baton-kv-receive", new ChannelGroup(options, handler));
            loop.start();
            loop.listen(
                    socket.server(),
                    (peer, own) -> {
                        LocalSocket.requireUser(peer, owner);
                        peer.configureBlocking(false);
                        return new ShmTransport(own, peer, owner);
                    });
            return new ShmListener(socket, socket.url(SCHEME), loop);
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "cannot listen for KV on %s: %s".formatted(url, e.getMessage()),
                    "kv.host",
                    e);
        }
    }

    @Override
    public Connector connector(ChannelOptions options, ChannelHandler handler) {
        NioLoop loop = new NioLoop("baton-kv-send", new ChannelGroup(options, handler));
        loop.start();
        return new ShmConnector(loop, options);
    }

    private record ShmListener(LocalSocket socket, URI url, NioLoop loop) implements Listener {
        @Override
        public void close() {
            socket.close();
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
        }
    }

    private record ShmConnector(NioLoop loop, ChannelOptions options) implements Connector {
        @Override
        public KvChannel connect(URI url) throws InterruptedException {
            Path path = LocalSocket.path(url);
            FramedChannel channel;
            try {
                channel = open(path);
            } catch (IOException e) {
                throw new BatonException(
                        ErrorCode.KV_TRANSFER_FAILED,
                        "cannot connect to %s: %s".formatted(url, e.getMessage()),
                        null,
                        e);
            }
            return Opening.await(channel, url, options.bounds().handshakeNanos());
        }

        private FramedChannel open(Path path) throws IOException {
            SocketChannel socket = LocalSocket.connect(path);
            try {
                return open(socket, ShmFile.create(ShmLayout.USUAL, options.nonces()));
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw e;
            }
        }

        private FramedChannel open(SocketChannel socket, ShmFile file) throws IOException {
            ShmTransport transport = null;
            try {
                LocalSocket.requireUser(socket, file.owner());
                var setup = new ShmSetup(ShmLayout.USUAL, file.path()).encode();
                socket.write(setup);
                if (setup.hasRemaining()) {
                    throw new IOException("the socket took only a part of the setup");
                }
                transport = new ShmTransport(loop, socket, file, ShmLayout.USUAL);
                return loop.connect(transport, new Handshake.Sender(options));
            } catch (IOException | RuntimeException e) {
                file.close();
                if (transport != null) {
                    transport.freeMemory();
                }
                throw e;
            }
        }

        @Override
        public void close() {
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV sender is closed"));
        }
    }
}
