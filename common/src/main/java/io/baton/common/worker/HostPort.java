package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;

/** A host name or address (IPv6 in square brackets when written) and a port. */
public record HostPort(String host, int port) {
    private static final int MAX_PORT = 65_535;

    /**
     * Reads {@code host:port} or {@code [v6]:port}.
     *
     * @throws BatonException CONFIGURATION if it is neither
     */
    public static HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw bad(text);
        }
        if (host.isEmpty()) {
            throw bad(text);
        }
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (port < 1 || port > MAX_PORT) {
                throw bad(text);
            }
            return new HostPort(host, port);
        } catch (NumberFormatException e) {
            throw bad(text);
        }
    }

    @Override
    public String toString() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }

    private static BatonException bad(String text) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "%s is not an address; write host:port, such as 127.0.0.1:9000".formatted(text));
    }
}
