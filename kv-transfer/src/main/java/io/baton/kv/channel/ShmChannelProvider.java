package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;

/**
 * Frames through memory that two processes of one user on one machine share: {@code
 * shm:///folder/name} is the local socket of the side that listens, {@code shm:///} one in a new
 * folder of its own. Nothing leaves the machine, so no cluster token is needed to listen; if there
 * is one, both sides prove it as over TCP.
 */
public final class ShmChannelProvider implements KvChannelProvider {
    @Override
    public String scheme() {
        return "shm";
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
        requirePath(url);
        try {
            ShmSocket socket = ShmSocket.bind(url);
            UserPrincipal owner = socket.owner();
            NioLoop loop = new NioLoop("baton-kv-receive", new ChannelGroup(options, handler));
            loop.start();
            loop.listen(
                    socket.server(),
                    peer -> {
                        ShmSocket.requireUser(peer, owner);
                        peer.configureBlocking(false);
                        return new ShmTransport(loop, peer, owner);
                    });
            return new ShmListener(socket, socket.url(), loop);
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

    private static Path requirePath(URI url) {
        String path = url.getPath();
        if (url.getAuthority() == null && path != null && path.startsWith("/")) {
            try {
                return Path.of(path);
            } catch (InvalidPathException e) {
                throw badUrl(url);
            }
        }
        throw badUrl(url);
    }

    private static BatonException badUrl(URI url) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "a shared-memory channel URL is shm:///FOLDER/NAME or shm:///, got " + url,
                "kv.host");
    }

    private record ShmListener(ShmSocket socket, URI url, NioLoop loop) implements Listener {
        @Override
        public void close() {
            socket.close();
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
        }
    }

    private record ShmConnector(NioLoop loop, ChannelOptions options) implements Connector {
        @Override
        public KvChannel connect(URI url) throws InterruptedException {
            Path path = requirePath(url);
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
            SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                socket.configureBlocking(false);
                socket.connect(UnixDomainSocketAddress.of(path));
                return open(socket, ShmFile.create(ShmLayout.USUAL, options.nonces()));
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw e;
            }
        }

        private FramedChannel open(SocketChannel socket, ShmFile file) throws IOException {
            ShmTransport transport = null;
            try {
                ShmSocket.requireUser(socket, file.owner());
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
