package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.SendResult;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameType;
import io.baton.kv.frame.Reason;
import java.nio.ByteBuffer;

/** Sends the small frames of transfers. Safe for any thread. */
final class ControlFrames {
    private static final byte[] NOTHING = new byte[0];

    private final FrameBatch batch = new FrameBatch(1);

    SendResult keepAlive(KvChannel channel, TransferId id, long sequence) {
        return send(channel, FrameType.KEEPALIVE, id, sequence, NOTHING);
    }

    SendResult abort(KvChannel channel, TransferId id, long sequence, BatonException reason) {
        return send(channel, FrameType.ABORT, id, sequence, Reason.encode(reason));
    }

    SendResult closed(KvChannel channel, TransferId id, BatonException reason) {
        return send(channel, FrameType.CLOSED, id, 0, Reason.encode(reason));
    }

    private synchronized SendResult send(
            KvChannel channel, FrameType type, TransferId id, long sequence, byte[] payload) {
        batch.clear();
        batch.begin(type).identity(id.transfer(), id.epoch(), id.incarnation()).sequence(sequence);
        batch.end(ByteBuffer.wrap(payload));
        SendResult result = channel.offerControl(batch);
        batch.clear();
        return result;
    }
}
