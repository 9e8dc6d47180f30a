package io.baton.kv.transfer;

import io.baton.common.error.BatonException;

/** Hears the end of one inbound transfer, exactly once, on the channel's or a timer's thread. */
public interface InboundListener {
    /**
     * Every expected part has arrived and was placed. {@code trailer} is what the sender's end
     * frame carried.
     */
    void onComplete(byte[] trailer, TransferStats stats);

    /** The transfer cannot complete: channel closed, stall, abort by the sender, a bad frame. */
    void onFailed(BatonException reason);
}
