package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.common.text.Tokenizer;
import io.baton.common.time.Ticker;
import io.baton.router.registry.PoolView;
import io.baton.router.registry.Registry;
import io.baton.router.route.ClusterSnapshot;
import io.baton.router.route.Decision;
import io.baton.router.route.PrefixIndex;
import io.baton.router.route.RequestFeatures;
import io.baton.router.route.RouteConfig;
import io.baton.router.route.RoutePolicy;
import io.baton.router.route.WorkerView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs requests: admission, one sequence per answer, and the ledger at the end. A request that was
 * accepted ends exactly once: {@link #run} returns, or throws one typed error. Safe for any thread.
 */
public final class Dispatcher {
    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);

    /**
     * Bounds of every request.
     *
     * @param requestNanos longest life
     * @param queueNanos longest wait for a turn, and then for a decoder with room
     * @param silenceNanos longest silence of a worker on a request's call
     * @param firstTokenNanos by when the first token should be there; 0 for no such wish
     */
    public record Limits(
            long requestNanos,
            long queueNanos,
            long silenceNanos,
            long firstTokenNanos,
            int maxAttempts,
            boolean debugLogits) {}

    /** What a dispatcher works with. */
    public record Parts(
            Registry registry,
            RoutePolicy policy,
            RouteConfig routeConfig,
            PrefixIndex prefixes,
            Admission admission,
            RetryBudget budget,
            LedgerRing ledgers,
            DispatchMeters meters,
            Ticker ticker,
            RandomGenerator random) {}

    private final Parts parts;
    private final Limits limits;
    private final Legs legs;

    public Dispatcher(Parts parts, Limits limits) {
        this.parts = parts;
        this.limits = limits;
        this.legs = new GrpcLegs(parts.registry());
    }

    public Parts parts() {
        return parts;
    }

    /**
     * Generates all answers of a request; blocks the calling virtual thread until it is over.
     *
     * @param sink takes tokens, from one thread per answer
     * @param cancel completes when the client is gone; both legs of every answer are then cancelled
     * @return what happened, for usage and ledger
     * @throws BatonException the one error that ended it
     */
    public RequestLedger run(Job job, SequenceSink sink, CompletableFuture<Void> cancel) {
        List<SequenceLedger> ledgers = new ArrayList<>();
        long queued = 0;
        String outcome = "finished";
        try (Admission.Permit permit = admit(job, cancel)) {
            queued = permit.waitedNanos();
            parts.meters().queued(queued);
            parts.budget().earn();
            generate(job, metered(job, sink), cancel, ledgers);
        } catch (BatonException e) {
            outcome = e.code().code();
            throw e;
        } finally {
            RequestLedger ledger =
                    new RequestLedger(
                            job.id(),
                            job.model(),
                            queued,
                            outcome,
                            job.trace().sessionId(),
                            ledgers);
            parts.ledgers().add(ledger);
            parts.meters().done(ledger, parts.ticker().nanos() - job.startNanos());
            LOG.info("request {}", ledger.toJson(false));
        }
        return new RequestLedger(
                job.id(), job.model(), queued, outcome, job.trace().sessionId(), ledgers);
    }

    /** A turn, unless the request's own deadline passes before. */
    private Admission.Permit admit(Job job, CompletableFuture<Void> cancel) {
        long leftNanos = Math.max(0, overNanos(job) - parts.ticker().nanos());
        long waitNanos = Math.min(limits.queueNanos(), leftNanos);
        try {
            return parts.admission().acquire(job.service().terms(), waitNanos, cancel);
        } catch (BatonException e) {
            if (e.code() == ErrorCode.OVERLOADED && waitNanos == leftNanos) {
                throw new BatonException(
                        ErrorCode.DEADLINE_EXCEEDED,
                        "the request's deadline passed while it waited for its turn",
                        null,
                        e);
            }
            throw e;
        }
    }

    /** Reading of the ticker at which a request is over. */
    private long overNanos(Job job) {
        return job.startNanos() + Math.min(limits.requestNanos(), job.service().lifeNanos());
    }

    private void generate(
            Job job,
            SequenceSink sink,
            CompletableFuture<Void> cancel,
            List<SequenceLedger> ledgers) {
        Tokenizer tokenizer =
                job.pool()
                        .text()
                        .orElseThrow(() -> new IllegalStateException("the pool has no text"))
                        .tokenizer();
        List<SequenceRunner> runners = new ArrayList<>();
        List<SequenceMachine> machines = new ArrayList<>();
        for (int choice = 0; choice < job.answers().size(); choice++) {
            SequenceRunner runner = new SequenceRunner();
            SequenceMachine machine =
                    machine(request(job, choice), job.pool(), sink, runner, tokenizer);
            runners.add(runner);
            machines.add(machine);
            ledgers.add(machine.ledger());
        }
        Runnable cancelAll = () -> runners.forEach(SequenceRunner::cancel);
        cancel.thenRun(cancelAll);
        CompletableFuture<BatonException> failure = new CompletableFuture<>();
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < machines.size(); i++) {
            SequenceRunner runner = runners.get(i);
            SequenceMachine machine = machines.get(i);
            others.add(
                    Thread.ofVirtual()
                            .name(job.id() + "-" + i)
                            .start(() -> runOne(runner, machine, failure, cancelAll)));
        }
        runOne(runners.getFirst(), machines.getFirst(), failure, cancelAll);
        join(others, cancelAll);
        BatonException error = failure.getNow(null);
        if (error != null) {
            throw error;
        }
    }

    private void runOne(
            SequenceRunner runner,
            SequenceMachine machine,
            CompletableFuture<BatonException> failure,
            Runnable cancelAll) {
        try {
            runner.run(machine, parts.ticker());
        } catch (RuntimeException e) {
            LOG.error("a sequence failed in the router's own code", e);
        }
        BatonException error = machine.error();
        if (error != null && failure.complete(error)) {
            cancelAll.run();
        }
    }

    private static void join(List<Thread> threads, Runnable cancelAll) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    cancelAll.run();
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private SequenceMachine machine(
            SequenceRequest request,
            PoolView pool,
            SequenceSink sink,
            SequenceRunner runner,
            Tokenizer tokenizer) {
        return new SequenceMachine(
                request,
                new SequenceMachine.Ports(
                        legs,
                        new PoolRouting(pool, request),
                        sink,
                        runner::offer,
                        parts.ticker(),
                        parts.meters()),
                new SequenceMachine.Bounds(
                        limits.maxAttempts(),
                        limits.queueNanos(),
                        limits.silenceNanos(),
                        limits.firstTokenNanos(),
                        parts.budget()),
                new Emitted(tokenizer));
    }

    private SequenceRequest request(Job job, int choice) {
        Job.Answer answer = job.answers().get(choice);
        byte[] salt = job.tenantSalt().toByteArray();
        List<ChunkKey> keys =
                KeyChain.of(
                                new KeyChain.Root(
                                        job.pool().fingerprint(),
                                        job.pool().layout(),
                                        "exact",
                                        "router",
                                        salt))
                        .keys(answer.prompt());
        return new SequenceRequest(
                "%s-%08x-%d".formatted(job.id(), parts.random().nextInt(), choice),
                choice,
                answer.prompt(),
                answer.sampling(),
                new SequenceRequest.Context(
                        job.pool().fingerprint(),
                        job.tenantSalt(),
                        limits.debugLogits(),
                        job.trace().traceparent(),
                        job.service().terms()),
                keys,
                overNanos(job));
    }

    private SequenceSink metered(Job job, SequenceSink sink) {
        long[] lastNanos = new long[job.answers().size()];
        return new SequenceSink() {
            @Override
            public void prompt(int choice, PromptTokens tokens) {
                sink.prompt(choice, tokens);
            }

            @Override
            public void token(int choice, Token token) {
                long now = parts.ticker().nanos();
                if (token.getIndex() == 0) {
                    parts.meters().firstToken(now - job.startNanos());
                } else {
                    parts.meters().nextToken(now - lastNanos[choice]);
                }
                lastNanos[choice] = now;
                sink.token(choice, token);
            }

            @Override
            public void finished(int choice, Finished finished) {
                sink.finished(choice, finished);
            }
        };
    }

    /** Decisions over the pool's workers of the moment. */
    private final class PoolRouting implements Routing {
        private final PoolView first;
        private final SequenceRequest request;

        PoolRouting(PoolView first, SequenceRequest request) {
            this.first = first;
            this.request = request;
        }

        private ClusterSnapshot snapshot() {
            @Nullable PoolView now = null;
            for (PoolView pool : parts.registry().pools()) {
                if (pool.fingerprint().equals(first.fingerprint())) {
                    now = pool;
                }
            }
            return now == null ? new ClusterSnapshot(List.of()) : now.snapshot();
        }

        @Override
        public Decision decide(RequestFeatures features) {
            return parts.policy().decide(features, snapshot(), parts.routeConfig());
        }

        @Override
        public Decision.Routed decidePrefill(RequestFeatures features, WorkerView decoder) {
            return parts.policy().decidePrefill(features, decoder, snapshot(), parts.routeConfig());
        }

        @Override
        public Map<String, Integer> held() {
            return parts.prefixes().held(request.keys(), first.layout().blockTokens());
        }

        @Override
        public void placed(WorkerView worker) {
            parts.prefixes().record(worker.id(), worker.incarnation(), request.keys());
        }
    }

    /** For the HTTP side: an error that ended a request before it could run. */
    public void refused(ErrorCode code) {
        parts.meters().error(code);
    }
}
