package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.net.URI;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for a channel to open. */
public final class Opening {
    private Opening() {}

    /**
     * The open channel, after at most {@code nanos}.
     *
     * @throws BatonException why it did not open; the message begins with the URL
     */
    public static KvChannel await(FramedChannel channel, URI url, long nanos)
            throws InterruptedException {
        try {
            return channel.opening().get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof BatonException reason) {
                throw new BatonException(
                        reason.code(), url + ": " + reason.text(), reason.param(), reason);
            }
            throw new IllegalStateException("a channel failed without a reason", e);
        } catch (TimeoutException e) {
            BatonException reason =
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "%s did not shake hands within %d ms"
                                    .formatted(url, TimeUnit.NANOSECONDS.toMillis(nanos)),
                            null,
                            e);
            channel.abort(reason);
            throw reason;
        } catch (InterruptedException e) {
            channel.abort(
                    new BatonException(ErrorCode.KV_TRANSFER_FAILED, "connecting was interrupted"));
            throw e;
        }
    }
}
