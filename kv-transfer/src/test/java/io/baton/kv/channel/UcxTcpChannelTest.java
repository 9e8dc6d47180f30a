package io.baton.kv.channel;

import io.baton.kv.channel.ucx.UcxChannelProvider;
import io.baton.kv.testkit.UcxHere;
import java.net.URI;
import java.util.Map;

/** The contract over UCX's own TCP, where fetching remote memory is done by software. */
@UcxHere
final class UcxTcpChannelTest extends ChannelContractTest {
    @Override
    URI url() {
        return URI.create("ucx://127.0.0.1:0");
    }

    @Override
    KvChannelProvider provider() {
        return new UcxChannelProvider(Map.of("TLS", "tcp,self"));
    }

    @Override
    int openings() {
        return 120;
    }
}
