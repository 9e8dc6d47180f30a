package io.baton.kv.channel;

import java.net.URI;

/** The contract over memory. */
final class LoopbackChannelTest extends ChannelContractTest {
    @Override
    URI url() {
        return URI.create("loopback://channel-contract");
    }
}
