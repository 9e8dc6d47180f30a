package io.baton.router.registry;

import io.baton.common.proto.Registration;
import io.baton.common.proto.Role;
import io.baton.common.proto.Status;
import io.baton.common.worker.ProtoKv;
import io.baton.router.route.WorkerRole;
import io.baton.router.route.WorkerView;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.grpc.ManagedChannel;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One incarnation of a worker, from its registration to the loss of its lease. Counters are atomic;
 * what the lease needs is written under the registry's lock.
 */
public final class Worker {
    private final Registration registration;
    private final String kvForm;
    private final ManagedChannel channel;
    private final CircuitBreaker breaker;
    private final Bulkhead bulkhead;
    private final AtomicInteger sequences = new AtomicInteger();
    private final AtomicLong prefillTokens = new AtomicLong();
    private final AtomicLong heartbeats = new AtomicLong();
    private volatile @Nullable Status status;
    private volatile boolean draining;
    private volatile long heardNanos;

    Worker(Registration registration, ManagedChannel channel, Guards guards, long nowNanos) {
        this.registration = registration;
        this.kvForm = KvForms.text(registration.getKv());
        this.channel = channel;
        this.breaker = guards.breaker();
        this.bulkhead = guards.bulkhead();
        this.heardNanos = nowNanos;
    }

    /** What protects the router from the worker and the worker from the router. */
    record Guards(CircuitBreaker breaker, Bulkhead bulkhead) {}

    public String id() {
        return registration.getWorkerId();
    }

    public long incarnation() {
        return registration.getIncarnation();
    }

    public Registration registration() {
        return registration;
    }

    /** To its control address; shut down when it is lost, which ends all calls at once. */
    public ManagedChannel channel() {
        return channel;
    }

    /** Opens after failures; while it is open nothing is routed here. */
    public CircuitBreaker breaker() {
        return breaker;
    }

    /** Bounds the calls in flight. */
    public Bulkhead bulkhead() {
        return bulkhead;
    }

    /** The last report, or null before the first. */
    public @Nullable Status status() {
        return status;
    }

    public boolean isDraining() {
        return draining;
    }

    WorkerRole role() {
        return role(registration);
    }

    static WorkerRole role(Registration registration) {
        return switch (registration.getRole()) {
            case ROLE_PREFILLER -> WorkerRole.PREFILLER;
            case ROLE_COLOCATED -> WorkerRole.COLOCATED;
            case ROLE_DECODER, ROLE_UNSPECIFIED, UNRECOGNIZED -> WorkerRole.DECODER;
        };
    }

    static boolean knownRole(Registration registration) {
        Role role = registration.getRole();
        return role != Role.ROLE_UNSPECIFIED && role != Role.UNRECOGNIZED;
    }

    /** A sequence was sent to it; {@code tokens} of prompt are computed there. */
    public void began(long tokens) {
        sequences.incrementAndGet();
        prefillTokens.addAndGet(tokens);
    }

    /** Prompt tokens that it need no longer compute. */
    public void prefilled(long tokens) {
        prefillTokens.addAndGet(-tokens);
    }

    /** A sequence has left it. */
    public void ended() {
        sequences.decrementAndGet();
    }

    /** Sequences of this router on it. */
    public int inFlight() {
        return sequences.get();
    }

    void heard(long nowNanos) {
        heardNanos = nowNanos;
    }

    long heardNanos() {
        return heardNanos;
    }

    void report(Status latest) {
        status = latest;
        heartbeats.incrementAndGet();
    }

    /** Reports so far. */
    public long heartbeats() {
        return heartbeats.get();
    }

    void drain() {
        draining = true;
    }

    /** As a decision sees it now. */
    public WorkerView view() {
        return new WorkerView(
                id(),
                incarnation(),
                role(),
                kvForm,
                ProtoKv.sameness(registration.getKv()),
                Math.max(1, registration.getKv().getBlockTokens()),
                obstacle(),
                load());
    }

    private String obstacle() {
        if (draining) {
            return "draining";
        }
        CircuitBreaker.State state = breaker.getState();
        if (state == CircuitBreaker.State.OPEN || state == CircuitBreaker.State.FORCED_OPEN) {
            return "circuit breaker open";
        }
        if (bulkhead.getMetrics().getAvailableConcurrentCalls() <= 0) {
            return "bulkhead full";
        }
        return "";
    }

    private WorkerView.Load load() {
        Status latest = status;
        Status known = latest == null ? Status.getDefaultInstance() : latest;
        int running = known.getRunning();
        int waiting = Math.max(known.getWaiting(), sequences.get() - running);
        return new WorkerView.Load(
                Math.max(1, registration.getMaxSequences()),
                running,
                waiting,
                Math.max(known.getWaitingPrefillTokens(), Math.max(0, prefillTokens.get())),
                latest == null ? Integer.MAX_VALUE : known.getFreeBlocks(),
                known.getPrefillTokensPerSecond(),
                known.getDecodeSecondsPerToken());
    }
}
