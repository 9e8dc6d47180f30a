package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.net.URI;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/**
 * One way to carry frames, registered with {@link ServiceLoader} and chosen by URL scheme. The
 * contract test in this module's test kit says what an implementation must do.
 */
public interface KvChannelProvider {
    /** The scheme of its URLs, such as {@code tcp}. */
    String scheme();

    /**
     * Listens.
     *
     * @param url where, such as {@code tcp://127.0.0.1:0}
     * @throws BatonException CONFIGURATION if the address cannot be listened on, or may not without
     *     a cluster token
     */
    Listener listen(URI url, ChannelOptions options, ChannelHandler handler);

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
        List<KvChannelProvider> all =
                ServiceLoader.load(KvChannelProvider.class).stream()
                        .map(ServiceLoader.Provider::get)
                        .sorted(Comparator.comparing(KvChannelProvider::scheme))
                        .toList();
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
}
