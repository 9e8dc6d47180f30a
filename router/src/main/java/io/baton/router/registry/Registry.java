package io.baton.router.registry;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.Registration;
import io.baton.common.proto.Status;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.ControlPlane;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The workers that hold a lease, in pools by model fingerprint. The first worker of a pool sets
 * what the others must match; a pool without workers is forgotten. Safe for any thread.
 */
public final class Registry {
    private static final Logger LOG = LoggerFactory.getLogger(Registry.class);
    private static final int MAX_WORKERS = 1024;
    private static final int CALLS_PER_SEQUENCE = 4;

    /**
     * Fixed things that a registry works with.
     *
     * @param leaseNanos a worker not heard of for so long is lost
     * @param heartbeatNanos how often it should report
     * @param wallSeconds wall clock for people and API fields, never for deadlines
     */
    public record Setup(
            String routerId,
            ClusterToken token,
            long leaseNanos,
            long heartbeatNanos,
            Ticker ticker,
            LongSupplier wallSeconds) {}

    /** Hears of changes, outside of the registry's lock. */
    public interface Listener {
        /** A worker holds a lease from now on. */
        void onJoined(Worker worker);

        /** Its lease is over; calls to it are being cut. */
        void onLost(Worker worker, String why);
    }

    private final Setup setup;
    private final ModelTexts texts;
    private final Listener listener;
    private final Map<String, Pool> pools = new LinkedHashMap<>();
    private final Map<String, Worker> workers = new HashMap<>();
    private OptionalLong sweptNanos = OptionalLong.empty();

    public Registry(Setup setup, ModelTexts texts, Listener listener) {
        this.setup = setup;
        this.texts = texts;
        this.listener = listener;
    }

    Setup setup() {
        return setup;
    }

    /**
     * Takes a worker in. One with the same id and another incarnation is replaced.
     *
     * @throws BatonException HANDSHAKE_MISMATCH saying what differs and what to do
     */
    Worker join(Registration registration) {
        KvLayout layout = RegistrationChecks.layout(registration);
        Worker replaced;
        Worker worker;
        synchronized (this) {
            if (workers.size() >= MAX_WORKERS && !workers.containsKey(registration.getWorkerId())) {
                throw RegistrationChecks.refuse(
                        "this router takes at most %d workers".formatted(MAX_WORKERS));
            }
            Pool pool = pools.get(registration.getModel().getFingerprint());
            boolean alone =
                    pool != null
                            && pool.workers.size() == 1
                            && pool.workers.containsKey(registration.getWorkerId());
            if (pool != null && !alone) {
                RegistrationChecks.requireEqual(pool, registration);
            }
            RegistrationChecks.requireFreeNames(pools.values(), registration);
            replaced = workers.get(registration.getWorkerId());
            if (replaced != null) {
                remove(replaced);
            }
            worker = make(registration);
            pools.computeIfAbsent(
                            registration.getModel().getFingerprint(),
                            key -> new Pool(registration, layout, setup.wallSeconds().getAsLong()))
                    .workers
                    .put(worker.id(), worker);
            workers.put(worker.id(), worker);
        }
        if (replaced != null) {
            cut(replaced, "replaced by a new incarnation");
        }
        LOG.info(
                "worker {} ({}, {}) joined at {} with model {}",
                worker.id(),
                worker.role(),
                Long.toHexString(worker.incarnation()),
                registration.getControlAddress(),
                registration.getModel().getName());
        texts.want(registration.getModel().getTextFingerprint(), worker.channel());
        listener.onJoined(worker);
        return worker;
    }

    /** A worker reported; false if its lease is over, and it must register again. */
    boolean report(Worker worker, Status status) {
        if (worker(worker.id(), worker.incarnation()).isEmpty()) {
            return false;
        }
        worker.heard(setup.ticker().nanos());
        worker.report(status);
        return true;
    }

    /** A worker wants nothing new. */
    void drain(Worker worker) {
        worker.heard(setup.ticker().nanos());
        worker.drain();
        LOG.info("worker {} drains", worker.id());
    }

    /** A worker leaves in order. */
    void leave(Worker worker) {
        worker.drain();
        lose(worker, "it left");
    }

    /** Ends a worker's lease; nothing happens if it is over already. */
    void lose(Worker worker, String why) {
        synchronized (this) {
            if (workers.get(worker.id()) != worker) {
                return;
            }
            remove(worker);
        }
        cut(worker, why);
    }

    /**
     * Ends the leases of workers not heard of in time. Called every tenth of a lease or so; a call
     * that comes much later ends none, as the router itself stood still and the heartbeats of that
     * time are there, unread.
     */
    public void sweep() {
        List<Worker> silent = new ArrayList<>();
        synchronized (this) {
            long now = setup.ticker().nanos();
            boolean stoodStill =
                    sweptNanos.isPresent() && now - sweptNanos.getAsLong() > setup.leaseNanos() / 2;
            sweptNanos = OptionalLong.of(now);
            for (Worker worker : workers.values()) {
                if (stoodStill) {
                    worker.heard(now);
                } else if (now - worker.heardNanos() > setup.leaseNanos()) {
                    silent.add(worker);
                }
            }
        }
        for (Worker worker : silent) {
            lose(worker, "not heard of for %d ms".formatted(setup.leaseNanos() / 1_000_000));
        }
        for (PoolView pool : pools()) {
            if (pool.text().isEmpty()) {
                for (Worker worker : pool.workers()) {
                    texts.want(pool.card().getTextFingerprint(), worker.channel());
                }
            }
        }
    }

    /** All pools. */
    public synchronized List<PoolView> pools() {
        return pools.values().stream().map(this::view).toList();
    }

    /**
     * The pool that serves a name.
     *
     * @param name as a client gives it; null for the only pool there is
     * @throws BatonException MODEL_NOT_FOUND, NO_WORKER while there is none at all, INVALID_VALUE
     *     if a name is needed
     */
    public PoolView pool(@Nullable String name) {
        List<PoolView> all = pools();
        if (name == null) {
            if (all.size() > 1) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "several models are served; 'model' must name one, see /v1/models",
                        "model");
            }
            if (all.size() == 1) {
                return all.getFirst();
            }
        }
        for (PoolView pool : all) {
            if (pool.names().contains(name)) {
                return pool;
            }
        }
        if (all.isEmpty()) {
            throw new BatonException(
                    ErrorCode.NO_WORKER, "no worker has joined yet; try again in a moment");
        }
        throw new BatonException(
                ErrorCode.MODEL_NOT_FOUND,
                "there is no such model here; see /v1/models for those that are served",
                "model");
    }

    /** The live worker with this id and incarnation. */
    public synchronized Optional<Worker> worker(String id, long incarnation) {
        Worker worker = workers.get(id);
        return worker != null && worker.incarnation() == incarnation
                ? Optional.of(worker)
                : Optional.empty();
    }

    /** Ends all leases. */
    public void close() {
        List<Worker> all;
        synchronized (this) {
            all = List.copyOf(workers.values());
        }
        all.forEach(worker -> lose(worker, "the router stops"));
    }

    private PoolView view(Pool pool) {
        int maxModelLen =
                pool.workers.values().stream()
                        .mapToInt(worker -> worker.registration().getModel().getMaxModelLen())
                        .min()
                        .orElse(pool.card.getMaxModelLen());
        return new PoolView(
                pool.names(),
                pool.card,
                pool.layout,
                maxModelLen,
                texts.get(pool.card.getTextFingerprint()),
                List.copyOf(pool.workers.values()),
                pool.joinedSeconds);
    }

    private void remove(Worker worker) {
        workers.remove(worker.id());
        String fingerprint = worker.registration().getModel().getFingerprint();
        Pool pool = pools.get(fingerprint);
        if (pool != null) {
            pool.workers.remove(worker.id());
            if (pool.workers.isEmpty()) {
                pools.remove(fingerprint);
            }
        }
    }

    private void cut(Worker worker, String why) {
        if (worker.isDraining()) {
            LOG.info("worker {} has left: {}", worker.id(), why);
        } else {
            LOG.warn("worker {} is lost: {}", worker.id(), why);
        }
        // Ends every call on it with UNAVAILABLE, which is how its requests learn of it.
        worker.channel().shutdownNow();
        listener.onLost(worker, why);
    }

    private Worker make(Registration registration) {
        ManagedChannel channel =
                ControlPlane.connect(registration.getControlAddress(), setup.token());
        CircuitBreaker breaker =
                CircuitBreaker.of(
                        registration.getWorkerId(),
                        CircuitBreakerConfig.custom()
                                .slidingWindowSize(20)
                                .minimumNumberOfCalls(5)
                                .failureRateThreshold(50)
                                .waitDurationInOpenState(Duration.ofSeconds(2))
                                .permittedNumberOfCallsInHalfOpenState(2)
                                .automaticTransitionFromOpenToHalfOpenEnabled(true)
                                .build());
        breaker.getEventPublisher()
                .onStateTransition(
                        event ->
                                LOG.warn(
                                        "worker {}: circuit breaker {}",
                                        registration.getWorkerId(),
                                        event.getStateTransition()));
        int calls = Math.max(1, registration.getMaxSequences()) * CALLS_PER_SEQUENCE;
        Bulkhead bulkhead =
                Bulkhead.of(
                        registration.getWorkerId(),
                        BulkheadConfig.custom()
                                .maxConcurrentCalls(calls)
                                .maxWaitDuration(Duration.ZERO)
                                .build());
        return new Worker(
                registration,
                channel,
                new Worker.Guards(breaker, bulkhead),
                setup.ticker().nanos());
    }
}
