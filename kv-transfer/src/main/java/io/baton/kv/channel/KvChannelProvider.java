package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.net.URI;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One way to carry frames, registered with {@link ServiceLoader} and chosen by URL scheme. The
 * contract test in this module's test kit says what an implementation must do.
 */
public interface KvChannelProvider {
    /** The scheme of its URLs, such as {@code tcp}. */
    String scheme();

    /** How far apart two ends may be. */
    enum Reach {
        /** Both in one process. */
        PROCESS,
        /** Both on one host, under one user. */
        HOST,
        /** Anywhere. */
        NETWORK;

        /** Whether bytes stay on the machine, so that making them fewer saves nothing. */
        public boolean isLocal() {
            return this != NETWORK;
        }
    }

    /** How far its channels reach. */
    default Reach reach() {
        return Reach.NETWORK;
    }

    /** Whether it encrypts where the options have certificates. */
    default boolean encrypts() {
        return false;
    }

    /**
     * Why this worker cannot use it, or null if it can.
     *
     * @param unasked whether nobody asked for it by name: it should then also be worth using
     */
    default @Nullable String unusable(boolean unasked) {
        return null;
    }

    /**
     * A URL to listen on.
     *
     * @param host address of the worker's KV
     * @param port 0 for any free one
     * @param name unique among workers: letters and digits
     */
    default URI listenUrl(String host, int port, String name) {
        return SocketUrl.of(scheme(), host, port);
    }

    /**
     * Listens.
     *
     * @param url where, such as {@code tcp://127.0.0.1:0}
     * @throws BatonException CONFIGURATION if the address cannot be listened on, or may not without
     *     a cluster token
     */
    Listener listen(URI url, ChannelOptions options, ChannelHandler handler);

    /**
     * As above, with up to so many threads that share the channels, each with a handler of its own;
     * carriers whose threads seldom are the limit have one.
     */
    default Listener listen(
            URI url, ChannelOptions options, int threads, Supplier<ChannelHandler> handlers) {
        return listen(url, options, handlers.get());
    }

    /** Makes the end that connects; starts its I/O thread. */
    Connector connector(ChannelOptions options, ChannelHandler handler);

    /** An open address. Closing it closes its channels. */
    interface Listener extends AutoCloseable {
        /** The address in use: the port is the real one. */
        URI url();

        @Override
        void close();
    }

    /** Connects to listeners. Closing it closes its channels, after what waits was sent. */
    interface Connector extends AutoCloseable {
        /**
         * Connects and shakes hands; blocks for at most the handshake time.
         *
         * @throws BatonException KV_TRANSFER_FAILED if nobody answers, HANDSHAKE_MISMATCH with the
         *     differences if the peer does not fit
         */
        KvChannel connect(URI url) throws InterruptedException;

        @Override
        void close();
    }

    /**
     * The provider for a URL.
     *
     * @throws BatonException CONFIGURATION if there is none; the message names those there are
     */
    static KvChannelProvider of(URI url) {
        List<KvChannelProvider> all = all();
        for (KvChannelProvider provider : all) {
            if (provider.scheme().equals(url.getScheme())) {
                return provider;
            }
        }
        throw new BatonException(
                ErrorCode.CONFIGURATION,
                "no KV channel for %s; known schemes: %s"
                        .formatted(url, all.stream().map(KvChannelProvider::scheme).toList()),
                "kv.host");
    }

    /** All that are registered, by the name of their schemes. */
    static List<KvChannelProvider> all() {
        return ServiceLoader.load(KvChannelProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparing(KvChannelProvider::scheme))
                .toList();
    }
}
