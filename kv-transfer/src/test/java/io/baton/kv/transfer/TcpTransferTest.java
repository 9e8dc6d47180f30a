package io.baton.kv.transfer;

/** Transfers over sockets. */
final class TcpTransferTest extends TransferContractTest {
    @Override
    String url() {
        return "tcp://127.0.0.1:0";
    }
}
