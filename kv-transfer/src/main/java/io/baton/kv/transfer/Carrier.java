package io.baton.kv.transfer;

import io.baton.kv.channel.KvChannelProvider.Reach;

/**
 * What carries a transfer.
 *
 * @param scheme of the channel's URL, such as {@code tcp}
 * @param reach how far such channels reach
 */
public record Carrier(String scheme, Reach reach) {
    /** Whether several connections carry more than one: each is one thread's at either end. */
    boolean gainsFromSeveral() {
        return scheme.equals("tcp");
    }

    /** Whether bytes stay on the machine, so that coding them saves nothing. */
    public boolean isLocal() {
        return reach.isLocal();
    }
}
