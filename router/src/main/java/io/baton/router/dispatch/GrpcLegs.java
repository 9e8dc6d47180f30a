package io.baton.router.dispatch;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeCommand;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeGrpc;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillGrpc;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Reticket;
import io.baton.router.dispatch.LegEvent.Closed;
import io.baton.router.registry.Registry;
import io.baton.router.registry.Worker;
import io.baton.router.route.WorkerView;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Legs over gRPC. Each passes its worker's circuit breaker and bulkhead, gets the request's
 * deadline, and lets at most {@link #WINDOW} events wait in the router, so that a slow client slows
 * the worker down.
 */
final class GrpcLegs implements Legs {
    /** Events of one leg that may be under way. */
    static final int WINDOW = 64;

    private final Registry registry;

    GrpcLegs(Registry registry) {
        this.registry = registry;
    }

    /** One call's place at a worker: taken once, given back once. */
    private static final class Place {
        private final Worker worker;
        private final AtomicLong prefillTokens;
        private final AtomicBoolean open = new AtomicBoolean(true);
        private final long startNanos;

        private Place(Worker worker, long tokens) {
            this.worker = worker;
            this.prefillTokens = new AtomicLong(tokens);
            this.startNanos = worker.breaker().getCurrentTimestamp();
            worker.began(tokens);
        }

        /** Null, and an event, if the worker is gone or takes no more calls. */
        static @Nullable Place take(
                Registry registry, WorkerView view, long tokens, Consumer<Closed> refused) {
            Optional<Worker> found = registry.worker(view.id(), view.incarnation());
            if (found.isEmpty()) {
                refused.accept(new Closed(ErrorCode.WORKER_LOST, "it left before the call", false));
                return null;
            }
            Worker worker = found.get();
            if (!worker.bulkhead().tryAcquirePermission()) {
                refused.accept(new Closed(ErrorCode.OVERLOADED, "too many calls on it", false));
                return null;
            }
            try {
                worker.breaker().acquirePermission();
            } catch (CallNotPermittedException e) {
                worker.bulkhead().releasePermission();
                refused.accept(
                        new Closed(ErrorCode.OVERLOADED, "its circuit breaker is open", false));
                return null;
            }
            return new Place(worker, tokens);
        }

        void prefilled() {
            worker.prefilled(prefillTokens.getAndSet(0));
        }

        void leave(Outcome outcome) {
            if (!open.compareAndSet(true, false)) {
                return;
            }
            prefilled();
            worker.ended();
            worker.bulkhead().onComplete();
            long nanos = worker.breaker().getCurrentTimestamp() - startNanos;
            switch (outcome) {
                case SUCCEEDED ->
                        worker.breaker().onSuccess(nanos, worker.breaker().getTimestampUnit());
                case FAILED ->
                        worker.breaker()
                                .onError(
                                        nanos,
                                        worker.breaker().getTimestampUnit(),
                                        new IllegalStateException("leg failed"));
                case CANCELLED -> worker.breaker().releasePermission();
            }
        }
    }

    @Override
    public DecodeLeg decode(
            WorkerView view, DecodeStart start, int leg, Consumer<LegEvent> events) {
        long tokens = start.getLocalPrefill() ? start.getSpec().getPromptCount() : 0;
        Place place =
                Place.take(
                        registry,
                        view,
                        tokens,
                        how -> events.accept(new LegEvent.DecoderClosed(leg, how)));
        if (place == null) {
            return new NoDecodeLeg();
        }
        DecodeCall call = new DecodeCall(place, leg, events);
        DecodeGrpc.newStub(place.worker.channel())
                .withDeadlineAfter(start.getSpec().getDeadlineMillis(), TimeUnit.MILLISECONDS)
                .generate(call);
        call.send(DecodeCommand.newBuilder().setStart(start).build());
        return call;
    }

    @Override
    public PrefillLeg prefill(
            WorkerView view, PrefillRequest request, int leg, Consumer<LegEvent> events) {
        Place place =
                Place.take(
                        registry,
                        view,
                        request.getSpec().getPromptCount(),
                        how -> events.accept(new LegEvent.PrefillerClosed(leg, how)));
        if (place == null) {
            return new NoPrefillLeg();
        }
        PrefillCall call = new PrefillCall(place, leg, events);
        PrefillGrpc.newStub(place.worker.channel())
                .withDeadlineAfter(request.getSpec().getDeadlineMillis(), TimeUnit.MILLISECONDS)
                .prefill(request, call);
        return call;
    }

    /** How a call ended, from gRPC's words. */
    private static Closed closed(@Nullable Throwable cause) {
        if (cause == null) {
            return new Closed(
                    ErrorCode.WORKER_LOST, "its stream ended before the answer did", false);
        }
        Status status = Status.fromThrowable(cause);
        String message =
                status.getCode()
                        + (status.getDescription() == null ? "" : ": " + status.getDescription());
        return switch (status.getCode()) {
            // CANCELLED: not by this router, whose own calls tell no more; the worker shuts down.
            case UNAVAILABLE, CANCELLED -> new Closed(ErrorCode.WORKER_LOST, message, true);
            case DEADLINE_EXCEEDED -> new Closed(ErrorCode.DEADLINE_EXCEEDED, message, false);
            case RESOURCE_EXHAUSTED -> new Closed(ErrorCode.OVERLOADED, message, false);
            case UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED ->
                    new Closed(ErrorCode.HANDSHAKE_MISMATCH, message, false);
            case OK,
                    UNKNOWN,
                    INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    FAILED_PRECONDITION,
                    ABORTED,
                    OUT_OF_RANGE,
                    INTERNAL,
                    DATA_LOSS ->
                    new Closed(ErrorCode.WORKER_LOST, message, false);
        };
    }

    /** The leg of a call that was never made. */
    private static final class NoDecodeLeg implements DecodeLeg {
        @Override
        public void reticket(Reticket reticket) {}

        @Override
        public void consumed() {}

        @Override
        public void prefilled() {}

        @Override
        public void end(Outcome outcome) {}
    }

    /** The leg of a call that was never made. */
    private static final class NoPrefillLeg implements PrefillLeg {
        @Override
        public void consumed() {}

        @Override
        public void end(Outcome outcome) {}
    }

    private static final class DecodeCall
            implements DecodeLeg, ClientResponseObserver<DecodeCommand, DecodeEvent> {
        private final Place place;
        private final int leg;
        private final Consumer<LegEvent> events;
        private @Nullable ClientCallStreamObserver<DecodeCommand> out;
        private volatile boolean ended;

        DecodeCall(Place place, int leg, Consumer<LegEvent> events) {
            this.place = place;
            this.leg = leg;
            this.events = events;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<DecodeCommand> stream) {
            out = stream;
            stream.disableAutoRequestWithInitial(WINDOW);
        }

        private ClientCallStreamObserver<DecodeCommand> stream() {
            ClientCallStreamObserver<DecodeCommand> stream = out;
            if (stream == null) {
                throw new IllegalStateException("the call has not started");
            }
            return stream;
        }

        void send(DecodeCommand command) {
            stream().onNext(command);
        }

        @Override
        public void onNext(DecodeEvent event) {
            if (!ended) {
                events.accept(new LegEvent.FromDecoder(leg, event));
            }
        }

        @Override
        public void onError(Throwable cause) {
            if (!ended) {
                events.accept(new LegEvent.DecoderClosed(leg, closed(cause)));
            }
        }

        @Override
        public void onCompleted() {
            if (!ended) {
                events.accept(new LegEvent.DecoderClosed(leg, closed(null)));
            }
        }

        @Override
        public void reticket(Reticket reticket) {
            send(DecodeCommand.newBuilder().setReticket(reticket).build());
        }

        @Override
        public void consumed() {
            stream().request(1);
        }

        @Override
        public void prefilled() {
            place.prefilled();
        }

        @Override
        public void end(Outcome outcome) {
            ended = true;
            place.leave(outcome);
            if (outcome == Outcome.SUCCEEDED) {
                stream().onCompleted();
            } else {
                stream().cancel("the router gave the attempt up", null);
            }
        }
    }

    private static final class PrefillCall
            implements PrefillLeg, ClientResponseObserver<PrefillRequest, PrefillEvent> {
        private final Place place;
        private final int leg;
        private final Consumer<LegEvent> events;
        private volatile @Nullable ClientCallStreamObserver<PrefillRequest> out;
        private volatile boolean ended;

        PrefillCall(Place place, int leg, Consumer<LegEvent> events) {
            this.place = place;
            this.leg = leg;
            this.events = events;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<PrefillRequest> stream) {
            out = stream;
            stream.disableAutoRequestWithInitial(WINDOW);
        }

        @Override
        public void onNext(PrefillEvent event) {
            if (!ended) {
                events.accept(new LegEvent.FromPrefiller(leg, event));
            }
        }

        @Override
        public void onError(Throwable cause) {
            if (!ended) {
                events.accept(new LegEvent.PrefillerClosed(leg, closed(cause)));
            }
        }

        @Override
        public void onCompleted() {
            if (!ended) {
                events.accept(new LegEvent.PrefillerClosed(leg, closed(null)));
            }
        }

        @Override
        public void consumed() {
            ClientCallStreamObserver<PrefillRequest> stream = out;
            if (stream != null) {
                stream.request(1);
            }
        }

        @Override
        public void end(Outcome outcome) {
            ended = true;
            place.leave(outcome);
            ClientCallStreamObserver<PrefillRequest> stream = out;
            if (outcome != Outcome.SUCCEEDED && stream != null) {
                stream.cancel("the router gave the attempt up", null);
            }
        }
    }
}
