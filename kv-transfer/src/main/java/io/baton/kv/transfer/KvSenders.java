package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.kv.channel.SendResult;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;

/**
 * The sending end of a worker: one connection per receiver, shared by its transfers. Safe for any
 * thread.
 */
public interface KvSenders extends AutoCloseable {
    /**
     * Starts a transfer. Connects if there is no connection to the receiver, over the best of the
     * offers that works; while the transfer lives, keep-alives are sent for it (also while the
     * prompt still queues), so that the receiver can tell a slow prefiller from a dead one.
     *
     * @param onLost called at most once, when the channel closed or the receiver ended the transfer
     * @throws BatonException KV_TRANSFER_FAILED if the receiver cannot be reached,
     *     HANDSHAKE_MISMATCH with a diff
     */
    OutboundTransfer open(
            List<ChannelOffer> offers,
            TransferId id,
            TransferSpec spec,
            Consumer<BatonException> onLost);

    /** As above, to the one address. */
    default OutboundTransfer open(
            String url, TransferId id, TransferSpec spec, Consumer<BatonException> onLost) {
        return open(List.of(ChannelOffer.anywhere(url)), id, spec, onLost);
    }

    /** One transfer. One thread at a time. */
    interface OutboundTransfer extends AutoCloseable {
        /**
         * Sends one layer of consecutive blocks of one chunk; split into frames of at most 1 MiB.
         * All or nothing is taken.
         */
        SendResult offer(int layer, int firstBlock, MemorySegment bytes);

        /**
         * Says that everything was sent. {@code trailer} reaches the receiver's listener; at most
         * 64 KiB.
         */
        SendResult finish(byte[] trailer);

        /** Waits until the channel may take more, it closed, or the time is over. */
        boolean awaitWritable(long nanos) throws InterruptedException;

        /** What carries it. */
        Carrier carrier();

        /** Payload bytes and frames taken so far. */
        TransferStats stats();

        /** Ends the transfer; if it was not finished, the receiver hears of an abort. */
        @Override
        void close();
    }

    @Override
    void close();
}
