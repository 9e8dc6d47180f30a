package io.baton.common.worker;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Status;
import io.baton.common.time.LatencyBounds;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * The meters of one worker, all named {@code baton.*} and tagged with role and worker. Times are
 * histograms over 1 ms to 2 min. Safe for any thread.
 */
public final class WorkerMeters {
    private final MeterRegistry registry;
    private final Tags tags;
    private final Timer queue;
    private final Timer prefill;
    private final Timer transfer;
    private final Timer decode;
    private final Timer interToken;
    private final Counter payloadBytes;
    private final Counter savedBytes;
    private final Counter computedTokens;
    private final Counter cachedTokens;
    private final Counter generatedTokens;
    private final Counter staleMessages;
    private final AtomicInteger attempts = new AtomicInteger();
    private final AtomicInteger leases = new AtomicInteger();
    private final AtomicLong errors = new AtomicLong();

    public WorkerMeters(MeterRegistry registry, String role, String workerId) {
        this.registry = registry;
        this.tags = Tags.of("role", role, "worker", workerId);
        queue = timer("baton.queue", "Wait for the engine's first step");
        prefill = timer("baton.prefill", "First step to first token");
        transfer = timer("baton.transfer", "First to last frame of a transfer");
        decode = timer("baton.decode", "First token to the end of the answer");
        interToken = timer("baton.inter.token", "Time between tokens of one answer");
        payloadBytes = counter("baton.transfer.payload", "KV moved", "bytes");
        savedBytes = counter("baton.transfer.saved", "KV not moved, the receiver had it", "bytes");
        computedTokens = counter("baton.prefill.tokens", "Prompt tokens computed", "tokens");
        cachedTokens = counter("baton.cached.tokens", "Prompt tokens found in the pool", "tokens");
        generatedTokens = counter("baton.generated.tokens", "Tokens generated", "tokens");
        staleMessages = counter("baton.stale.messages", "Messages of an old epoch", "messages");
        Gauge.builder("baton.attempts", attempts, AtomicInteger::get)
                .description("Attempts in progress")
                .tags(tags)
                .register(registry);
        Gauge.builder("baton.leases", leases, AtomicInteger::get)
                .description("Reservations that wait for KV")
                .tags(tags)
                .register(registry);
    }

    /** All meters of the registry in Prometheus' text format; empty if it is of another kind. */
    public String scrape() {
        return registry instanceof PrometheusMeterRegistry prometheus ? prometheus.scrape() : "";
    }

    /** Shows the pool and the queue as heartbeats do. */
    public void showPool(Supplier<Status> status) {
        pool(status, "free", Status::getFreeBlocks);
        pool(status, "cached", Status::getCachedBlocks);
        pool(status, "reserved", Status::getReservedBlocks);
        pool(status, "active", Status::getActiveBlocks);
        gauge(status, "baton.running", "Sequences in the batch", Status::getRunning);
        gauge(status, "baton.waiting", "Sequences queued", Status::getWaiting);
    }

    /** Shows a count that something else keeps and that only grows. */
    public void showCount(String name, String what, LongSupplier count) {
        FunctionCounter.builder(name, count, c -> c.getAsLong())
                .description(what)
                .tags(tags)
                .register(registry);
    }

    /** An attempt began. */
    public void attemptBegan() {
        attempts.incrementAndGet();
    }

    /** An attempt ended well; every one that began ends once. */
    public void attemptEnded() {
        end("ok");
    }

    /** An attempt was cancelled by the router. */
    public void attemptCancelled() {
        end("cancelled");
    }

    /** An attempt failed. */
    public void attemptFailed(ErrorCode code) {
        error(code);
        end("failed");
    }

    private void end(String outcome) {
        attempts.decrementAndGet();
        Counter.builder("baton.attempts.ended")
                .description("Attempts by how they ended")
                .tags(tags.and("outcome", outcome))
                .register(registry)
                .increment();
    }

    /** Something failed. */
    public void error(ErrorCode code) {
        errors.incrementAndGet();
        Counter.builder("baton.errors")
                .description("Attempts that failed, by error code")
                .tags(tags.and("code", code.code()))
                .register(registry)
                .increment();
    }

    /** Errors since the start, for heartbeats. */
    public long errors() {
        return errors.get();
    }

    /** A reservation waits for KV. */
    public void leaseBegan() {
        leases.incrementAndGet();
    }

    /** It no longer does. */
    public void leaseEnded() {
        leases.decrementAndGet();
    }

    /** A message of an old epoch was dropped. */
    public void stale() {
        staleMessages.increment();
    }

    /** Prompt work that has left the queue. */
    public void started(long queueNanos, int cached) {
        queue.record(queueNanos, TimeUnit.NANOSECONDS);
        cachedTokens.increment(cached);
    }

    /** A prompt was computed. */
    public void prefilled(long nanos, int tokens) {
        prefill.record(nanos, TimeUnit.NANOSECONDS);
        computedTokens.increment(tokens);
    }

    /** A sequence's KV was moved. */
    public void transferred(long nanos, long bytes, long saved) {
        transfer.record(nanos, TimeUnit.NANOSECONDS);
        payloadBytes.increment(bytes);
        savedBytes.increment(saved);
    }

    /** A token was generated; {@code gapNanos} after the one before, or negative for the first. */
    public void token(long gapNanos) {
        generatedTokens.increment();
        if (gapNanos >= 0) {
            interToken.record(gapNanos, TimeUnit.NANOSECONDS);
        }
    }

    /** An answer was written. */
    public void decoded(long nanos) {
        decode.record(nanos, TimeUnit.NANOSECONDS);
    }

    private void pool(Supplier<Status> status, String state, ToIntFunction<Status> value) {
        Gauge.builder("baton.pool.blocks", status, s -> value.applyAsInt(s.get()))
                .description("Blocks of the KV pool; cached ones are free, too")
                .tags(tags.and("state", state))
                .strongReference(true)
                .register(registry);
    }

    private void gauge(
            Supplier<Status> status, String name, String what, ToIntFunction<Status> value) {
        Gauge.builder(name, status, s -> value.applyAsInt(s.get()))
                .description(what)
                .tags(tags)
                .strongReference(true)
                .register(registry);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name)
                .description(description)
                .tags(tags)
                .serviceLevelObjectives(LatencyBounds.all())
                .register(registry);
    }

    private Counter counter(String name, String description, String unit) {
        return Counter.builder(name)
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }
}
