package io.baton.common.worker;

import io.baton.common.proto.Draining;
import io.baton.common.proto.Refusal;
import io.baton.common.proto.Registration;
import io.baton.common.proto.RegistryGrpc;
import io.baton.common.proto.RouterMessage;
import io.baton.common.proto.Status;
import io.baton.common.proto.Welcome;
import io.baton.common.proto.WorkerMessage;
import io.baton.common.time.Timer;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's membership at one router: registers, sends a status every heartbeat, and comes back
 * after every loss with doubling, jittered waits. All state lives in one mailbox; methods may be
 * called from any thread and return at once.
 */
public final class RouterLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RouterLink.class);
    private static final int MAILBOX_CAPACITY = 1024;
    private static final long MIN_HEARTBEAT_MILLIS = 20;
    private static final long MAX_HEARTBEAT_MILLIS = 10_000;
    private static final long WELCOME_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long FIRST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long MAX_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final int MAX_DOUBLINGS = 6;

    /** Where membership stands. */
    public enum State {
        /** Not connected; trying. */
        APART,
        /** Registered, waiting for the router's answer. */
        JOINING,
        /** Welcome: heartbeats flow. */
        MEMBER,
        /** The router said no; tried again at the longest wait. */
        REFUSED,
        CLOSED
    }

    /** Hears of changes, in the link's mailbox. */
    @FunctionalInterface
    public interface Listener {
        /** {@code detail} is for people; empty if there is nothing to say. */
        void onState(State state, String detail);
    }

    /** What surrounds a link. */
    public record Surroundings(Timer timer, RandomGenerator random, Executor executor) {}

    private final String name;
    private final ManagedChannel channel;
    private final Registration registration;
    private final Supplier<Status> status;
    private final Listener listener;
    private final Surroundings around;
    private final Mailbox mailbox;

    private State state = State.APART;
    private @Nullable Session session;
    private int losses;
    private boolean draining;
    private boolean stopped;

    /** How a worker presents itself, and whom it tells. */
    public record Member(Registration registration, Supplier<Status> status, Listener listener) {}

    /**
     * @param name the router, for logs
     * @param channel to the router; the caller keeps and shuts it down
     */
    public RouterLink(String name, ManagedChannel channel, Member member, Surroundings around) {
        this.name = name;
        this.channel = channel;
        this.registration = member.registration();
        this.status = member.status();
        this.listener = member.listener();
        this.around = around;
        this.mailbox =
                new Mailbox(
                        around.executor(),
                        MAILBOX_CAPACITY,
                        e -> LOG.error("link to router {} failed in its own code", name, e));
    }

    /** Begins to connect, and never gives up until closed. */
    public void start() {
        mailbox.post(this::connect);
    }

    /** Tells the router to give this worker nothing new, now and after every reconnection. */
    public void drain() {
        mailbox.post(
                () -> {
                    draining = true;
                    if (session != null && state == State.MEMBER) {
                        session.sendDraining();
                    }
                });
    }

    /** Leaves at once: the router sees the stream end. */
    @Override
    public void close() {
        mailbox.post(
                () -> {
                    stopped = true;
                    Session last = session;
                    session = null;
                    if (last != null) {
                        last.leave();
                    }
                    change(State.CLOSED, "");
                });
    }

    private void connect() {
        if (stopped || session != null) {
            return;
        }
        Session next = new Session();
        session = next;
        change(State.JOINING, "");
        // The channel's own back-off grows to minutes; the link's is the one that counts.
        channel.resetConnectBackoff();
        RegistryGrpc.newStub(channel).join(next);
        next.register();
    }

    private void lost(Session which, String why) {
        if (which != session) {
            return;
        }
        session = null;
        which.forget();
        losses++;
        if (state != State.REFUSED) {
            change(State.APART, why);
        }
        long wait =
                state == State.REFUSED
                        ? MAX_WAIT_NANOS
                        : Math.min(
                                MAX_WAIT_NANOS,
                                FIRST_WAIT_NANOS << Math.min(losses - 1, MAX_DOUBLINGS));
        long jittered = wait / 2 + (long) (around.random().nextDouble() * (wait / 2.0));
        around.timer().after(jittered, () -> mailbox.post(this::connect));
    }

    private void change(State next, String detail) {
        if (next == state) {
            return;
        }
        state = next;
        switch (next) {
            case MEMBER -> LOG.info("joined router {} {}", name, detail);
            case REFUSED -> LOG.error("router {} refuses this worker: {}", name, detail);
            case APART -> {
                // Once for a loss; the tries that follow say the same again and again.
                if (losses <= 1) {
                    LOG.warn("lost router {}: {}; trying to join again", name, detail);
                } else {
                    LOG.debug("router {} is still away: {}", name, detail);
                }
            }
            case JOINING, CLOSED -> LOG.debug("router {}: {}", name, next);
        }
        listener.onState(next, detail);
    }

    /** One stream to the router, from connection to loss. Its fields belong to the mailbox. */
    private final class Session implements ClientResponseObserver<WorkerMessage, RouterMessage> {
        private volatile @Nullable ClientCallStreamObserver<WorkerMessage> call;
        private Timer.@Nullable Handle pending;
        private long heartbeatNanos;

        @Override
        public void beforeStart(ClientCallStreamObserver<WorkerMessage> requests) {
            call = requests;
        }

        @Override
        public void onNext(RouterMessage message) {
            mailbox.post(() -> accept(message));
        }

        @Override
        public void onError(Throwable error) {
            mailbox.post(() -> lost(this, String.valueOf(error.getMessage())));
        }

        @Override
        public void onCompleted() {
            mailbox.post(() -> lost(this, "the router ended the stream"));
        }

        void register() {
            send(WorkerMessage.newBuilder().setRegistration(registration).build());
            pending =
                    around.timer()
                            .after(
                                    WELCOME_NANOS,
                                    () ->
                                            mailbox.post(
                                                    () -> {
                                                        if (this == session
                                                                && state == State.JOINING) {
                                                            cancel("no answer within 5 s");
                                                            lost(this, "no answer within 5 s");
                                                        }
                                                    }));
        }

        private void accept(RouterMessage message) {
            if (this != session) {
                return;
            }
            switch (message.getKindCase()) {
                case WELCOME -> welcome(message.getWelcome());
                case REFUSAL -> refused(message.getRefusal());
                case KIND_NOT_SET -> LOG.debug("router {} sent an unknown message", name);
            }
        }

        /** The stream is over, even if the router leaves it open. */
        private void refused(Refusal refusal) {
            change(State.REFUSED, refusal.getCode() + ": " + refusal.getMessage());
            cancel("the router refused");
            lost(this, "the router refused");
        }

        private void welcome(Welcome welcome) {
            if (state == State.MEMBER) {
                return;
            }
            losses = 0;
            heartbeatNanos =
                    TimeUnit.MILLISECONDS.toNanos(
                            Math.clamp(
                                    welcome.getHeartbeatMillis(),
                                    MIN_HEARTBEAT_MILLIS,
                                    MAX_HEARTBEAT_MILLIS));
            change(State.MEMBER, welcome.getRouterId());
            if (draining) {
                sendDraining();
            }
            forget();
            beat();
        }

        private void beat() {
            if (this != session) {
                return;
            }
            ClientCallStreamObserver<WorkerMessage> open = call;
            // A stream that takes nothing more is not fed: what would pile up is stale anyway.
            if (open != null && open.isReady()) {
                send(WorkerMessage.newBuilder().setStatus(status.get()).build());
            }
            pending = around.timer().after(heartbeatNanos, () -> mailbox.post(this::beat));
        }

        void sendDraining() {
            send(WorkerMessage.newBuilder().setDraining(Draining.getDefaultInstance()).build());
        }

        void leave() {
            forget();
            ClientCallStreamObserver<WorkerMessage> open = call;
            if (open != null) {
                try {
                    // Ends the stream in order: a cancelled one looks like a worker that died.
                    open.onCompleted();
                } catch (IllegalStateException e) {
                    LOG.debug("router {} had ended the stream: {}", name, e.getMessage());
                }
            }
        }

        void forget() {
            if (pending != null) {
                pending.cancel();
                pending = null;
            }
        }

        private void cancel(String why) {
            ClientCallStreamObserver<WorkerMessage> open = call;
            if (open != null) {
                open.cancel(why, null);
            }
        }

        private void send(WorkerMessage message) {
            ClientCallStreamObserver<WorkerMessage> open = call;
            if (open != null) {
                try {
                    open.onNext(message);
                } catch (IllegalStateException e) {
                    // The call has ended; onError is on its way and reconnects.
                    LOG.debug("router {} took no message: {}", name, e.getMessage());
                }
            }
        }
    }
}
