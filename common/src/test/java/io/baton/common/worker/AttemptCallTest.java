package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.proto.GenerationSpec;
import io.grpc.stub.ServerCallStreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A call and its attempt, on the test's thread. */
class AttemptCallTest {
    private static final long INCARNATION = 7;

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final LiveCalls<AttemptCall<String>> live = new LiveCalls<>(INCARNATION, 2);
    private final AttemptCall.Service<String> service =
            new AttemptCall.Service<>(
                    live,
                    new GenerationRequest.Limits("f", 128, 64, TimeUnit.HOURS.toNanos(1)),
                    new WorkerMeters(registry, "decoder", "w"),
                    Runnable::run,
                    (epoch, failure) -> epoch + " " + failure.getCode());

    /** The network's side. */
    private static final class Stream extends ServerCallStreamObserver<String> {
        final List<String> said = new ArrayList<>();
        boolean cancelled;

        @Override
        public void onNext(String value) {
            said.add(value);
        }

        @Override
        public void onError(Throwable error) {
            said.add("error");
        }

        @Override
        public void onCompleted() {
            said.add("end");
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoInboundFlowControl() {}
    }

    /** Tells what it is told. */
    private static class Attempt implements AttemptCall.Attempt {
        final List<String> heard = new ArrayList<>();

        @Override
        public void cancel() {
            heard.add("cancel");
        }

        @Override
        public void fail(BatonException error) {
            heard.add(error.code().code());
        }
    }

    private final Stream stream = new Stream();
    private final AttemptCall<String> call = new AttemptCall<>(service, stream, 16);

    private static GenerationSpec spec(int epoch) {
        return GenerationSpec.newBuilder()
                .setRequestId("r")
                .setEpoch(epoch)
                .setModelFingerprint("f")
                .addPrompt(1)
                .setSampling(ProtoSampling.toProto(SamplingParams.greedy(4)))
                .build();
    }

    private static Attempt begin(AttemptCall<String> call, int epoch) {
        return call.admit(call.check(INCARNATION, spec(epoch)), Attempt::new);
    }

    @Test
    void aBugBeforeTheAttemptExistsEndsTheCall() {
        call.post(
                () -> {
                    throw new IllegalStateException("a bug");
                });
        assertEquals(List.of("0 internal_error", "end"), stream.said);
        assertTrue(call.isClosed());
    }

    @Test
    void aBugInTheAttemptIsTheAttemptsToTell() {
        Attempt attempt = begin(call, 1);
        call.post(
                () -> {
                    throw new IllegalStateException("a bug");
                });
        assertEquals(List.of("internal_error"), attempt.heard);
        assertEquals(List.of("end"), stream.said);
        assertEquals(0, live.size());
    }

    @Test
    void anAttemptThatCannotEndIsAskedOnce() {
        int[] asked = {0};
        call.admit(
                call.check(INCARNATION, spec(1)),
                () ->
                        new Attempt() {
                            @Override
                            public void fail(BatonException error) {
                                asked[0]++;
                                throw new IllegalStateException("cannot end");
                            }
                        });
        call.post(
                () -> {
                    throw new IllegalStateException("a bug");
                });
        assertEquals(1, asked[0]);
        assertTrue(call.isClosed());
        assertEquals(0, live.size());
    }

    @Test
    void anAttemptThatCannotBeMadeLeavesNoLiveCall() {
        call.post(
                () ->
                        call.admit(
                                call.check(INCARNATION, spec(1)),
                                () -> {
                                    throw new IllegalStateException("cannot be made");
                                }));
        assertEquals(List.of("1 internal_error", "end"), stream.said);
        assertEquals(0, live.size());
    }

    @Test
    void aDrainThatBeginsAfterTheCheckStillRefuses() {
        GenerationRequest request = call.check(INCARNATION, spec(1));
        live.drain();
        BatonException refusal =
                assertThrows(BatonException.class, () -> call.admit(request, Attempt::new));
        assertEquals(ErrorCode.DRAINING, refusal.code());
        call.refuse(refusal);
        assertEquals(List.of("1 draining", "end"), stream.said);
        assertEquals(0, live.size());
    }

    @Test
    void aNewerAttemptEndsTheOlderOneAndTakesItsPlace() {
        Attempt older = begin(call, 1);
        AttemptCall<String> next = new AttemptCall<>(service, new Stream(), 16);
        Attempt newer = begin(next, 2);
        assertEquals(List.of("stale_epoch"), older.heard);
        call.complete();
        assertEquals(1, live.size(), "the end of the older one leaves the newer one alone");
        next.cancelled();
        assertEquals(List.of("cancel"), newer.heard);
        assertEquals(0, live.size());
    }

    @Test
    void aStaleCallIsCountedAndRefused() {
        begin(call, 3);
        Stream late = new Stream();
        AttemptCall<String> stale = new AttemptCall<>(service, late, 16);
        stale.refuse(assertThrows(BatonException.class, () -> begin(stale, 3)));
        assertEquals(List.of("3 stale_epoch", "end"), late.said);
        assertEquals(1, registry.get("baton.stale.messages").counter().count());
        assertFalse(call.isClosed());
    }

    @Test
    void aRouterThatIsGoneHearsNothing() {
        stream.cancelled = true;
        begin(call, 1);
        call.send("news");
        call.cancelled();
        assertEquals(List.of(), stream.said);
        assertEquals(0, live.size());
    }
}
