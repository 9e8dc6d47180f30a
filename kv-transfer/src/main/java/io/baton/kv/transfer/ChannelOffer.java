package io.baton.kv.transfer;

/**
 * One address of a receiver.
 *
 * @param url such as {@code tcp://10.0.0.7:7001}
 * @param place where the other end must be, a mark of {@link Whereabouts}; empty for anywhere
 */
public record ChannelOffer(String url, String place) {
    /** An address for whoever can use it. */
    public static ChannelOffer anywhere(String url) {
        return new ChannelOffer(url, "");
    }
}
