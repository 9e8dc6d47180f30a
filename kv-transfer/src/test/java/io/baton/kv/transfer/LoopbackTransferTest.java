package io.baton.kv.transfer;

/** Transfers over memory. */
final class LoopbackTransferTest extends TransferContractTest {
    @Override
    String url() {
        return "loopback://contract";
    }
}
