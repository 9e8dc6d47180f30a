package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.transfer.InboundListener;
import io.baton.kv.transfer.KvReceiver;
import io.baton.kv.transfer.KvSink;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferSpec;
import io.baton.kv.transfer.TransferStats;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A receiver whose transfers a test completes or fails. */
final class FakeReceiver implements KvReceiver {
    final List<Transfer> transfers = new CopyOnWriteArrayList<>();

    /** One transfer. */
    static final class Transfer implements InboundTransfer {
        final TransferId id;
        final TransferSpec spec;
        final KvSink sink;
        final InboundListener listener;
        volatile boolean begun;
        volatile boolean closed;
        volatile int complete;

        Transfer(TransferId id, TransferSpec spec, KvSink sink, InboundListener listener) {
            this.id = id;
            this.spec = spec;
            this.sink = sink;
            this.listener = listener;
        }

        void complete(byte[] trailer) {
            listener.onComplete(trailer, new TransferStats(1000, 4, 77, 8));
        }

        void lose() {
            listener.onFailed(
                    new BatonException(ErrorCode.KV_TRANSFER_FAILED, "the channel closed"));
        }

        @Override
        public boolean hasBegun() {
            return begun;
        }

        @Override
        public int completeTokens() {
            return complete;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    Transfer last() {
        return transfers.get(transfers.size() - 1);
    }

    @Override
    public String url() {
        return "tcp://127.0.0.1:7001";
    }

    @Override
    public InboundTransfer expect(
            TransferId id, TransferSpec spec, KvSink sink, InboundListener listener) {
        Transfer transfer = new Transfer(id, spec, sink, listener);
        transfers.add(transfer);
        return transfer;
    }

    @Override
    public void close() {}
}
