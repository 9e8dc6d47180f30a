package io.baton.kv.transfer;

import java.util.List;

/**
 * The receiving end of a worker: listens on one or more addresses, places what live transfers
 * bring. Safe for any thread.
 */
public interface KvReceiver extends AutoCloseable {
    /** Where senders connect, such as {@code tcp://127.0.0.1:7001}. */
    String url();

    /** All addresses where senders may connect, that of {@link #url} among them. */
    default List<ChannelOffer> offers() {
        return List.of(ChannelOffer.anywhere(url()));
    }

    /** Raw bytes of coded KV that are decoded in a second, as measured; 0 while unknown. */
    default double decodeBytesPerSecond() {
        return 0;
    }

    /**
     * Makes a transfer known. Frames for unknown or closed transfers are counted and dropped, and
     * their sender is told.
     *
     * @param sink where verified parts go
     * @param listener hears the end, exactly once, unless the transfer is closed first
     */
    InboundTransfer expect(TransferId id, TransferSpec spec, KvSink sink, InboundListener listener);

    /** One expected transfer. */
    interface InboundTransfer extends AutoCloseable {
        /**
         * Whether the sender was heard of: a frame or a keep-alive of this transfer has come. From
         * then on a stall is told to the listener; before, the ticket's lease is what ends it.
         */
        boolean hasBegun();

        /**
         * Tokens from {@code spec.fromToken()} on whose blocks are complete in every layer: kept on
         * a retry.
         */
        int completeTokens();

        /**
         * Forgets the transfer: after the return the sink and the listener are never called again.
         */
        @Override
        void close();
    }

    @Override
    void close();
}
