package io.baton.kv.channel.ucx;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.ChannelGroup;
import io.baton.kv.channel.ChannelHandler;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.Opening;
import io.baton.kv.channel.SocketUrl;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Frames over UCX: {@code ucx://host:port}. UCX chooses the transports, within UCX_TLS and
 * UCX_NET_DEVICES where the environment has them; without a cluster token it stays on the machine.
 *
 * <p>UCX trusts its network: who reaches a worker's UCX port may read and write the process's
 * memory, whatever the handshake says later. Bytes are not encrypted.
 *
 * <p>Nothing of jucx is named here: this class is loaded where there is none.
 */
public final class UcxChannelProvider implements KvChannelProvider {
    private static final String SCHEME = "ucx";

    private final Map<String, String> settings;

    /** As the environment says. */
    public UcxChannelProvider() {
        this(Map.of());
    }

    /**
     * With settings of its own, which go before the environment.
     *
     * @param settings of UCX, without the prefix UCX_
     */
    public UcxChannelProvider(Map<String, String> settings) {
        this.settings = Map.copyOf(settings);
    }

    @Override
    public String scheme() {
        return SCHEME;
    }

    /** Unasked, UCX is worth its thread and library only with RDMA. */
    @Override
    public @Nullable String unusable(boolean unasked) {
        return unasked && !RdmaDevices.any() ? "no RDMA device" : UcxLibrary.whyNot();
    }

    @Override
    public Listener listen(URI url, ChannelOptions options, ChannelHandler handler) {
        UcxLibrary.require();
        InetSocketAddress address = SocketUrl.address(url);
        SocketUrl.requireToken(address, options);
        UcxLoop loop = loop("baton-ucx-receive", options, handler);
        InetSocketAddress bound;
        try {
            bound = loop.listen(address);
        } catch (BatonException reason) {
            loop.start();
            loop.close(reason);
            throw reason;
        }
        loop.start();
        return new UcxListener(
                SocketUrl.of(SCHEME, address.getHostString(), bound.getPort()), loop);
    }

    /** Without a cluster token nobody may come from outside: UCX opens no other ports then. */
    private UcxLoop loop(String name, ChannelOptions options, ChannelHandler handler) {
        Map<String, String> all = new HashMap<>(settings);
        if (!options.token().isSet()) {
            all.put("NET_DEVICES", "lo");
        }
        return new UcxLoop(name, new ChannelGroup(options, handler), all);
    }

    @Override
    public Connector connector(ChannelOptions options, ChannelHandler handler) {
        UcxLibrary.require();
        UcxLoop loop = loop("baton-ucx-send", options, handler);
        loop.start();
        return new UcxConnector(loop, options);
    }

    private record UcxListener(URI url, UcxLoop loop) implements Listener {
        @Override
        public void close() {
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV receiver is closed"));
        }
    }

    private record UcxConnector(UcxLoop loop, ChannelOptions options) implements Connector {
        @Override
        public KvChannel connect(URI url) throws InterruptedException {
            InetSocketAddress address = SocketUrl.address(url);
            return Opening.await(loop.connect(address), url, options.bounds().handshakeNanos());
        }

        @Override
        public void close() {
            loop.close(new BatonException(ErrorCode.DRAINING, "the KV sender is closed"));
        }
    }
}
