package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Failure;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.time.Timer;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One gRPC call that serves one attempt, the same for every role: it lets the attempt in, gives it
 * a mailbox, and ends with it, whichever side ends first. {@link #post}, {@link #execute} and
 * {@link #cancelled} may be called from any thread, everything else in the mailbox.
 *
 * @param <E> event of the role
 */
public final class AttemptCall<E> implements Outlet<E>, Executor {
    private static final Logger LOG = LoggerFactory.getLogger(AttemptCall.class);

    /** The role's state machine, in the call's mailbox. Ending it twice changes nothing. */
    public interface Attempt {
        /** The router is gone or wants no more. */
        void cancel();

        /** Ends the attempt with one typed error, told to the outlet before it completes. */
        void fail(BatonException error);
    }

    /** The event that ends a call. */
    @FunctionalInterface
    public interface Failed<E> {
        E event(int epoch, Failure failure);
    }

    /**
     * What all calls of one service share.
     *
     * @param live the attempts in progress
     * @param executor runs the mailboxes
     */
    public record Service<E>(
            LiveCalls<AttemptCall<E>> live,
            GenerationRequest.Limits limits,
            WorkerMeters meters,
            Executor executor,
            Failed<E> failed) {}

    private final Service<E> service;
    private final ServerCallStreamObserver<E> stream;
    private final Mailbox mailbox;
    private int epoch;
    private @Nullable String admitted;
    private @Nullable Attempt attempt;
    private @Nullable SignsOfLife life;
    private boolean closed;

    /**
     * @param mailboxCapacity more tasks than an attempt can cause
     */
    public AttemptCall(
            Service<E> service, ServerCallStreamObserver<E> stream, int mailboxCapacity) {
        this.service = service;
        this.stream = stream;
        this.mailbox = new Mailbox(service.executor(), mailboxCapacity, this::failedInOwnCode);
    }

    /** Runs a task in the mailbox. Its capacity covers all an attempt can cause. */
    public void post(Runnable task) {
        if (!mailbox.post(task)) {
            throw new IllegalStateException("an attempt posted more than it can cause");
        }
    }

    @Override
    public void execute(Runnable task) {
        post(task);
    }

    /** The router cancelled the call, or its connection is gone. */
    public void cancelled() {
        post(
                () -> {
                    if (attempt != null) {
                        attempt.cancel();
                    }
                    complete();
                });
    }

    /** Whether the call has ended. */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Reads a request, if one may begin here now.
     *
     * @param incarnation of this worker, as the router knows it
     * @throws BatonException as {@link LiveCalls#check} and {@link GenerationRequest#fromProto}
     */
    public GenerationRequest check(long incarnation, GenerationSpec spec) {
        epoch = spec.getEpoch();
        service.live().check(incarnation);
        return GenerationRequest.fromProto(spec, service.limits());
    }

    /**
     * Lets an attempt in. An older one of the same request, should that still run here, is ended.
     *
     * @throws BatonException as {@link LiveCalls#admit}
     */
    public <A extends Attempt> A admit(GenerationRequest request, Supplier<A> make) {
        @Nullable AttemptCall<E> older =
                service.live().admit(request.requestId(), request.epoch(), this);
        admitted = request.requestId();
        if (older != null) {
            older.post(() -> older.fail(superseded()));
        }
        A made = make.get();
        attempt = made;
        return made;
    }

    /**
     * From now on the attempt gives signs of life, until the call ends. A router that reads nothing
     * is told nothing new: what would pile up is stale anyway.
     *
     * @param everyMillis as the router asked for; 0 for none
     * @param say sends one sign
     */
    public void showLife(Timer timer, int everyMillis, Runnable say) {
        if (closed || life != null) {
            return;
        }
        SignsOfLife signs =
                new SignsOfLife(
                        timer,
                        this,
                        () -> {
                            if (stream.isReady()) {
                                say.run();
                            }
                        });
        life = signs;
        signs.begin(everyMillis);
    }

    /** Ends the call, and the attempt if there is one, with one typed error. */
    public void refuse(BatonException error) {
        LOG.warn("epoch {}: refused: {}: {}", epoch, error.code().code(), error.text());
        if (error.code() == ErrorCode.STALE_EPOCH) {
            service.meters().stale();
        }
        service.meters().error(error.code());
        send(service.failed().event(epoch, failure(error)));
        if (attempt != null) {
            attempt.cancel();
        }
        complete();
    }

    /** An error as it is told to the router. */
    public static Failure failure(BatonException error) {
        return Failure.newBuilder().setCode(error.code().code()).setMessage(error.text()).build();
    }

    private void fail(BatonException error) {
        if (attempt != null) {
            attempt.fail(error);
        }
    }

    private static BatonException superseded() {
        return new BatonException(
                ErrorCode.STALE_EPOCH, "a newer attempt of the request has begun here");
    }

    /** A bug of ours ends this one call, whatever the attempt still manages. In the mailbox. */
    private void failedInOwnCode(RuntimeException error) {
        LOG.error("an attempt failed in its own code", error);
        if (closed) {
            return;
        }
        BatonException reason =
                new BatonException(ErrorCode.INTERNAL, "the worker failed: " + error, null, error);
        try {
            if (attempt == null) {
                refuse(reason);
            } else {
                attempt.fail(reason);
            }
        } catch (RuntimeException again) {
            LOG.error("an attempt failed while it was ended", again);
        }
        complete();
    }

    @Override
    public void send(E event) {
        if (!closed && !stream.isCancelled()) {
            stream.onNext(event);
        }
    }

    @Override
    public void complete() {
        if (closed) {
            return;
        }
        closed = true;
        if (life != null) {
            life.end();
        }
        if (admitted != null) {
            service.live().remove(admitted, this);
        }
        if (!stream.isCancelled()) {
            stream.onCompleted();
        }
    }
}
