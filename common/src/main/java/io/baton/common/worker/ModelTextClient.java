package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.FetchTextRequest;
import io.baton.common.proto.ModelTextGrpc;
import io.baton.common.proto.TextPart;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;

/** Takes a model's text artifacts from a worker, checked against their fingerprint. */
public final class ModelTextClient {
    private ModelTextClient() {}

    /**
     * Blocks until all parts are there.
     *
     * @param fingerprint what the worker registered
     * @param timeoutNanos for the whole transfer
     * @throws BatonException HANDSHAKE_MISMATCH if they are too large or not what was registered,
     *     WORKER_LOST if the worker fails
     */
    public static ModelText fetch(Channel channel, String fingerprint, long timeoutNanos) {
        ByteArrayOutputStream gguf = new ByteArrayOutputStream();
        StringBuilder template = new StringBuilder();
        try {
            Iterator<TextPart> parts =
                    ModelTextGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(timeoutNanos, TimeUnit.NANOSECONDS)
                            .fetchText(
                                    FetchTextRequest.newBuilder()
                                            .setTextFingerprint(fingerprint)
                                            .build());
            while (parts.hasNext()) {
                TextPart part = parts.next();
                gguf.writeBytes(part.getGguf().toByteArray());
                template.append(part.getChatTemplate());
                if (gguf.size() > ModelText.MAX_GGUF_BYTES
                        || template.length() > ModelText.MAX_TEMPLATE_CHARACTERS) {
                    throw new BatonException(
                            ErrorCode.HANDSHAKE_MISMATCH,
                            "the worker's text artifacts exceed %d bytes; it is refused"
                                    .formatted(ModelText.MAX_GGUF_BYTES));
                }
            }
        } catch (StatusRuntimeException e) {
            throw new BatonException(
                    ErrorCode.WORKER_LOST,
                    "fetching the model's text artifacts failed: " + e.getStatus(),
                    null,
                    e);
        }
        ModelText text = new ModelText(gguf.toByteArray(), template.toString());
        if (!text.fingerprint().equals(fingerprint)) {
            throw new BatonException(
                    ErrorCode.HANDSHAKE_MISMATCH,
                    "the worker's text artifacts have the fingerprint %s, it registered %s"
                            .formatted(text.fingerprint(), fingerprint));
        }
        return text;
    }
}
