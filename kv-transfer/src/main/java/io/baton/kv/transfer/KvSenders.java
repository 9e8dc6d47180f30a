package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.kv.adapt.Choice;
import io.baton.kv.adapt.Moment;
import io.baton.kv.channel.SendResult;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

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
     * @param listener hears of its end and its progress
     * @throws BatonException KV_TRANSFER_FAILED if the receiver cannot be reached,
     *     HANDSHAKE_MISMATCH with a diff
     */
    OutboundTransfer open(
            List<ChannelOffer> offers, TransferId id, TransferSpec spec, OutboundListener listener);

    /** As above, to the one address. */
    default OutboundTransfer open(
            String url, TransferId id, TransferSpec spec, OutboundListener listener) {
        return open(List.of(ChannelOffer.anywhere(url)), id, spec, listener);
    }

    /** What a transfer tells of itself, on the channel's I/O thread. */
    @FunctionalInterface
    interface OutboundListener {
        /** At most once: the channel closed, or the receiver ended the transfer. */
        void onLost(BatonException reason);

        /** More has arrived, see {@link OutboundTransfer#delivery}. */
        default void onArrived() {}
    }

    /** Decides for each chunk of one transfer. One thread at a time. */
    interface StreamPolicy {
        /** What to do with the next chunk. */
        Choice next(Moment moment);

        /** Whether to give up what is on its way and the rest; empty: go on. */
        Optional<Choice> whileWaiting(Moment moment);
    }

    /**
     * What was sent of a transfer's KV, and what of it is known to have arrived and to be decoded.
     *
     * @param sentRawBytes before coding
     * @param sentBytes coded
     * @param waitedNanos since something arrived last, or since the first of what is on its way
     *     left; 0 if nothing is
     */
    record Delivery(
            long sentRawBytes,
            long arrivedRawBytes,
            long sentBytes,
            long arrivedBytes,
            long waitedNanos) {}

    /** One transfer. One thread at a time. */
    interface OutboundTransfer extends AutoCloseable {
        /** Names of the ways in which chunks may go, such as {@code klt:2}, the finest first. */
        List<String> ways();

        /**
         * Sends one layer of consecutive blocks of one chunk; split into frames of at most 1 MiB.
         * All or nothing is taken. What was taken is read from {@code bytes} until the next offer
         * or the end is taken, or the transfer is closed: so long it must not change.
         *
         * @param way index into {@link #ways}
         */
        SendResult offer(int way, int layer, int firstBlock, MemorySegment bytes);

        /** As above, the coarsest way. */
        default SendResult offer(int layer, int firstBlock, MemorySegment bytes) {
            return offer(ways().size() - 1, layer, firstBlock, bytes);
        }

        /** Asks the receiver to say when all so far has arrived: see {@link #delivery}. */
        SendResult mark();

        /** What was sent, and what of it has arrived as far as marks tell. */
        Delivery delivery();

        /**
         * Chooses among the ways; empty where there is nothing to choose, as the worker's settings
         * fix the way or nothing leaves the machine.
         *
         * @param textDelayNanos from the decision for text to the receiver's first step
         * @param receiverBytesPerSecond raw bytes that the receiver decodes in a second; 0 if
         *     unknown
         */
        Optional<StreamPolicy> policy(long textDelayNanos, double receiverBytesPerSecond);

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
