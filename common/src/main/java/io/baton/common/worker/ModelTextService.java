package io.baton.common.worker;

import com.google.protobuf.UnsafeByteOperations;
import io.baton.common.proto.FetchTextRequest;
import io.baton.common.proto.ModelTextGrpc;
import io.baton.common.proto.TextPart;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/**
 * Gives a worker's text artifacts to routers, part by part and only as fast as they are taken. Safe
 * for any thread.
 */
public final class ModelTextService extends ModelTextGrpc.ModelTextImplBase {
    private static final int PART_BYTES = 1 << 20;
    private static final int PART_CHARACTERS = PART_BYTES / 4;

    private final ModelText text;
    private final String fingerprint;

    public ModelTextService(ModelText text) {
        this.text = text;
        this.fingerprint = text.fingerprint();
    }

    /** What a router must ask for. */
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public void fetchText(FetchTextRequest request, StreamObserver<TextPart> observer) {
        if (!request.getTextFingerprint().equals(fingerprint)) {
            observer.onError(
                    Status.NOT_FOUND
                            .withDescription(
                                    "this worker serves the text artifacts %s, not %s; register again"
                                            .formatted(fingerprint, request.getTextFingerprint()))
                            .asRuntimeException());
            return;
        }
        ServerCallStreamObserver<TextPart> answer = (ServerCallStreamObserver<TextPart>) observer;
        Sender sender = new Sender(answer);
        answer.setOnReadyHandler(sender::send);
    }

    /** Where one answer has come to; gRPC calls it from one thread at a time. */
    private final class Sender {
        private final ServerCallStreamObserver<TextPart> answer;
        private int sentBytes;
        private int sentCharacters;
        private boolean done;

        Sender(ServerCallStreamObserver<TextPart> answer) {
            this.answer = answer;
        }

        void send() {
            while (!done && answer.isReady()) {
                if (sentBytes < text.gguf().length) {
                    int bytes = Math.min(PART_BYTES, text.gguf().length - sentBytes);
                    answer.onNext(
                            TextPart.newBuilder()
                                    .setGguf(
                                            UnsafeByteOperations.unsafeWrap(
                                                    text.gguf(), sentBytes, bytes))
                                    .build());
                    sentBytes += bytes;
                } else if (sentCharacters < text.chatTemplate().length()) {
                    int end = partEnd(text.chatTemplate(), sentCharacters);
                    answer.onNext(
                            TextPart.newBuilder()
                                    .setChatTemplate(
                                            text.chatTemplate().substring(sentCharacters, end))
                                    .build());
                    sentCharacters = end;
                } else {
                    done = true;
                    answer.onCompleted();
                }
            }
        }
    }

    /** Never between the halves of a surrogate pair. */
    private static int partEnd(String text, int from) {
        int end = Math.min(text.length(), from + PART_CHARACTERS);
        return end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))
                ? end - 1
                : end;
    }
}
