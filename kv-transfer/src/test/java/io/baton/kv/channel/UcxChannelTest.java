package io.baton.kv.channel;

import io.baton.kv.testkit.UcxHere;
import java.net.URI;

/** The contract over UCX with the transports of its choice: shared memory and CMA here. */
@UcxHere
final class UcxChannelTest extends ChannelContractTest {
    @Override
    URI url() {
        return URI.create("ucx://127.0.0.1:0");
    }

    @Override
    int openings() {
        return 120;
    }
}
