package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;

/** Channel URLs that name a host and a port, {@code scheme://host:port}. */
public final class SocketUrl {
    private SocketUrl() {}

    /** A URL; an IPv6 address may come with or without brackets. */
    public static URI of(String scheme, String host, int port) {
        try {
            return new URI(scheme, null, host, port, null, null, null);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("bad host " + host, e);
        }
    }

    /**
     * Where a URL leads.
     *
     * @throws BatonException CONFIGURATION if it has no host and port, KV_TRANSFER_FAILED if the
     *     host is unknown
     */
    public static InetSocketAddress address(URI url) {
        String host = url.getHost();
        if (host == null || url.getPort() < 0 || url.getPort() > 65535) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "a channel URL is %s://HOST:PORT, got %s".formatted(url.getScheme(), url),
                    "kv.host");
        }
        String plain =
                host.startsWith("[") && host.endsWith("]")
                        ? host.substring(1, host.length() - 1)
                        : host;
        InetSocketAddress address = new InetSocketAddress(plain, url.getPort());
        if (address.isUnresolved()) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED, "the host of " + url + " is unknown");
        }
        return address;
    }

    /**
     * Strangers must not reach a listener without a secret.
     *
     * @throws BatonException CONFIGURATION if the address is not of loopback and there is no token
     */
    public static void requireToken(InetSocketAddress address, ChannelOptions options) {
        if (!options.token().isSet() && !address.getAddress().isLoopbackAddress()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "listening for KV on %s needs a cluster token: set cluster.token, or listen on 127.0.0.1"
                            .formatted(address),
                    "cluster.token");
        }
    }
}
