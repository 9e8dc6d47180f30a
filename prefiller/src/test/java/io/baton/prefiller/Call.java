package io.baton.prefiller;

import com.google.protobuf.ByteString;
import io.baton.common.generation.SamplingParams;
import io.baton.common.proto.DecodeCommand;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeGrpc;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillGrpc;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Reticket;
import io.baton.common.proto.Ticket;
import io.baton.common.worker.ProtoSampling;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One request as a router makes it, both legs. */
final class Call {
    private static final int WAIT_SECONDS = 30;

    /** What a leg said; the end of the stream is an event, too. */
    record Said<E>(@Nullable E said, boolean ended, @Nullable Throwable error) {
        E event() {
            E event = said;
            if (event == null) {
                throw new AssertionError("the stream ended", error);
            }
            return event;
        }
    }

    final Cluster cluster;
    final GenerationSpec.Builder spec;
    final BlockingQueue<Said<DecodeEvent>> decode = new LinkedBlockingQueue<>();
    final List<DecodeEvent> tokens = new ArrayList<>();
    private final Context.CancellableContext context = Context.current().withCancellation();
    private @Nullable StreamObserver<DecodeCommand> commands;

    Call(Cluster cluster, String id, int[] prompt, SamplingParams sampling) {
        this.cluster = cluster;
        this.spec =
                GenerationSpec.newBuilder()
                        .setRequestId(id)
                        .setEpoch(1)
                        .setModelFingerprint(cluster.runtime.fingerprint())
                        .setTenantSalt(ByteString.copyFrom(cluster.salt()))
                        .setDebugLogits(true)
                        .setDeadlineMillis(60_000)
                        .setSampling(ProtoSampling.toProto(sampling));
        for (int token : prompt) {
            spec.addPrompt(token);
        }
    }

    private static <E> StreamObserver<E> into(BlockingQueue<Said<E>> queue) {
        return new StreamObserver<>() {
            @Override
            public void onNext(E event) {
                queue.add(new Said<>(event, false, null));
            }

            @Override
            public void onError(Throwable error) {
                queue.add(new Said<>(null, true, error));
            }

            @Override
            public void onCompleted() {
                queue.add(new Said<>(null, true, null));
            }
        };
    }

    Call start(String decoder, boolean local) throws Exception {
        return start(decoder, local, cluster.registration(decoder).getIncarnation());
    }

    Call start(String decoder, boolean local, long incarnation) throws Exception {
        var stub = DecodeGrpc.newStub(cluster.channel(decoder));
        context.run(() -> commands = stub.generate(into(decode)));
        say(
                DecodeCommand.newBuilder()
                        .setStart(
                                DecodeStart.newBuilder()
                                        .setSpec(spec)
                                        .setDecoderIncarnation(incarnation)
                                        .setLocalPrefill(local))
                        .build());
        return this;
    }

    private void say(DecodeCommand command) {
        StreamObserver<DecodeCommand> open = commands;
        if (open == null) {
            throw new AssertionError("the call was not started");
        }
        open.onNext(command);
    }

    void reticket(int epoch, boolean local) {
        spec.setEpoch(epoch);
        say(
                DecodeCommand.newBuilder()
                        .setReticket(Reticket.newBuilder().setEpoch(epoch).setLocalPrefill(local))
                        .build());
    }

    /** The router leaves. */
    void cancel() {
        context.cancel(null);
    }

    BlockingQueue<Said<PrefillEvent>> prefill(String prefiller, Ticket ticket) throws Exception {
        BlockingQueue<Said<PrefillEvent>> events = new LinkedBlockingQueue<>();
        var stub = PrefillGrpc.newStub(cluster.channel(prefiller));
        PrefillRequest request =
                PrefillRequest.newBuilder()
                        .setSpec(spec)
                        .setTicket(ticket)
                        .setPrefillerIncarnation(cluster.registration(prefiller).getIncarnation())
                        .build();
        context.run(() -> stub.prefill(request, into(events)));
        return events;
    }

    static <E> Said<E> next(BlockingQueue<Said<E>> queue) throws InterruptedException {
        Said<E> said = queue.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        if (said == null) {
            throw new AssertionError("nothing was said within %d s".formatted(WAIT_SECONDS));
        }
        return said;
    }

    DecodeEvent event() throws InterruptedException {
        return next(decode).event();
    }

    Ticket ticket() throws InterruptedException {
        DecodeEvent event = event();
        if (!event.hasTicket()) {
            throw new AssertionError("a ticket is wanted: " + event);
        }
        return event.getTicket();
    }

    /** Reads to the end; the last event is the finish. */
    DecodeEvent finish() throws InterruptedException {
        while (true) {
            DecodeEvent event = event();
            switch (event.getKindCase()) {
                case TOKEN -> tokens.add(event);
                case FINISHED -> {
                    if (!next(decode).ended()) {
                        throw new AssertionError("something follows the finish");
                    }
                    return event;
                }
                case FAILURE -> throw new AssertionError(event.getFailure().getMessage());
                case TICKET, TRANSFER_DONE, STARTED, ALIVE, KIND_NOT_SET -> {}
            }
        }
    }

    String text() {
        StringBuilder text = new StringBuilder();
        tokens.forEach(event -> text.append(event.getToken().getText()));
        return text.toString();
    }
}
