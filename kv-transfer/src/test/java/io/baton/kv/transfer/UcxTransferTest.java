package io.baton.kv.transfer;

import io.baton.kv.testkit.UcxHere;

/** Transfers over UCX with the transports of its choice: shared memory and CMA on one machine. */
@UcxHere
final class UcxTransferTest extends TransferContractTest {
    @Override
    String url() {
        return "ucx://127.0.0.1:0";
    }
}
