package io.baton.kv.channel.cuda;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.ChannelGroup;
import io.baton.kv.channel.ChannelHandler;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.FramedChannel;
import io.baton.kv.channel.Handshake;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.LocalSocket;
import io.baton.kv.channel.NioLoop;
import io.baton.kv.channel.Opening;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Frames through device memory that two processes of one user on one machine share: {@code
 * cuda-ipc:///folder/name} is the local socket of the side that listens, {@code cuda-ipc:///} one
 * in a new folder of its own.
 *
 * <p>KV lies in host memory so far, for which shared host memory is the shorter way; so this one is
 * used where it is named, and not by itself.
 *
 * <p>Nothing of JCuda is named here: this class is loaded where there is none.
 */
public final class CudaIpcChannelProvider implements KvChannelProvider {
    private static final String SCHEME = "cuda-ipc";

    /**
     * Bytes of a ring. Whole blocks of the driver, which shares no less than 2 MiB: so nothing else
     * of this process is shared.
     */
    private static final int RING_BYTES = 4 << 20;

    private final Supplier<CudaDriver> driver;
    private final int device;
    private final Supplier<@Nullable String> whyNot;

    /** The first device of the machine's driver; CUDA_VISIBLE_DEVICES says which that is. */
    public CudaIpcChannelProvider() {
        this.driver = CudaLibrary::require;
        this.device = 0;
        this.whyNot = CudaLibrary::whyNot;
    }

    /** A device of a driver. */
    public CudaIpcChannelProvider(CudaDriver driver, int device) {
        this.driver = () -> driver;
        this.device = device;
        this.whyNot = () -> null;
    }

    @Override
    public String scheme() {
        return SCHEME;
    }

    @Override
    public Reach reach() {
        return Reach.HOST;
    }

    @Override
    public @Nullable String unusable(boolean unasked) {
        return unasked ? "KV lies in host memory" : whyNot.get();
    }

    @Override
    public URI listenUrl(String host, int port, String name) {
        return URI.create(SCHEME + ":///");
    }

    @Override
    public Listener listen(URI url, ChannelOptions options, ChannelHandler handler) {
        LocalSocket.path(url);
        CudaEnd cuda = open("baton-cuda-receive", options);
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
                        return CudaTransport.listening(own, peer, cuda);
                    });
            return new CudaListener(socket, socket.url(SCHEME), loop, cuda);
        } catch (IOException e) {
            cuda.close();
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "cannot listen for KV on %s: %s".formatted(url, e.getMessage()),
                    "kv.host",
                    e);
        }
    }

    private CudaEnd open(String name, ChannelOptions options) {
        return CudaEnd.open(name, driver.get(), device, options.bounds().handshakeNanos());
    }

    @Override
    public Connector connector(ChannelOptions options, ChannelHandler handler) {
        CudaEnd cuda = open("baton-cuda-send", options);
        NioLoop loop = new NioLoop("baton-kv-send", new ChannelGroup(options, handler));
        loop.start();
        return new CudaConnector(loop, cuda, options);
    }

    private record CudaListener(LocalSocket socket, URI url, NioLoop loop, CudaEnd cuda)
            implements Listener {
        @Override
        public void close() {
            socket.close();
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
            cuda.close();
        }
    }

    private record CudaConnector(NioLoop loop, CudaEnd cuda, ChannelOptions options)
            implements Connector {
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

        private FramedChannel open(Path path) throws IOException, InterruptedException {
            int most = options.bounds().maxChannels();
            if (cuda.thread().retired() >= most) {
                throw new IOException(
                        "%d rings wait for peers that do not let go of them".formatted(most));
            }
            SocketChannel socket = LocalSocket.connect(path);
            CudaTransport transport = null;
            try {
                LocalSocket.requireUser(socket, LocalSocket.self());
                transport = CudaTransport.connecting(loop, socket, cuda, ring());
                return loop.connect(transport, new Handshake.Sender(options));
            } catch (IOException | InterruptedException | RuntimeException e) {
                if (transport == null) {
                    socket.close();
                } else {
                    transport.close();
                    transport.freeMemory();
                }
                throw e;
            }
        }

        private SentRing ring() throws IOException, InterruptedException {
            SentRing[] made = new SentRing[1];
            cuda.thread()
                    .runNow(
                            context -> {
                                made[0] =
                                        SentRing.make(
                                                cuda.driver(), cuda.device(), context, RING_BYTES);
                                cuda.thread().own(made[0]);
                            },
                            options.bounds().handshakeNanos());
            return made[0];
        }

        @Override
        public void close() {
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV sender is closed"));
            cuda.close();
        }
    }
}
