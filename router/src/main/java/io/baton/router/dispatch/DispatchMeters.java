package io.baton.router.dispatch;

import io.baton.common.error.ErrorCode;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The router's metrics, all named {@code baton_router_*} and labelled from closed sets only. */
public final class DispatchMeters implements SequenceMachine.Counters {
    private final MeterRegistry registry;
    private final Timer queue;
    private final Timer firstToken;
    private final Timer interToken;
    private final Timer whole;
    private final DistributionSummary promptTokens;
    private final DistributionSummary completionTokens;
    private final Counter reusedTokens;

    public DispatchMeters(MeterRegistry registry) {
        this.registry = registry;
        this.queue = timer("baton_router_queue_seconds", "Time before it was a request's turn");
        this.firstToken =
                timer(
                        "baton_router_time_to_first_token_seconds",
                        "From arrival to the first token, with queue, prefill and transfer");
        this.interToken = timer("baton_router_inter_token_seconds", "Time between tokens");
        this.whole = timer("baton_router_request_seconds", "From arrival to the end");
        this.promptTokens =
                DistributionSummary.builder("baton_router_prompt_tokens").register(registry);
        this.completionTokens =
                DistributionSummary.builder("baton_router_completion_tokens").register(registry);
        this.reusedTokens =
                Counter.builder("baton_router_reused_prompt_tokens")
                        .description("Prompt tokens whose KV was reused")
                        .register(registry);
    }

    private Timer timer(String name, String description) {
        // Micrometer appends the unit for Prometheus; the name here must not have it twice.
        return Timer.builder(name.replace("_seconds", ""))
                .description(description)
                .serviceLevelObjectives(
                        Duration.ofMillis(5),
                        Duration.ofMillis(10),
                        Duration.ofMillis(25),
                        Duration.ofMillis(50),
                        Duration.ofMillis(100),
                        Duration.ofMillis(250),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(60))
                .register(registry);
    }

    /** Registers a number that is read at every scrape. */
    public void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(registry);
    }

    @Override
    public void decided(boolean local) {
        registry.counter("baton_router_decisions", "prefill", local ? "local" : "remote")
                .increment();
    }

    @Override
    public void retried(String leg, ErrorCode why) {
        registry.counter("baton_router_retries", "leg", leg, "reason", why.code()).increment();
    }

    /** A request was answered with an error. */
    public void error(ErrorCode code) {
        registry.counter("baton_router_errors", "code", code.code()).increment();
    }

    void queued(long nanos) {
        queue.record(nanos, TimeUnit.NANOSECONDS);
    }

    void firstToken(long nanos) {
        firstToken.record(nanos, TimeUnit.NANOSECONDS);
    }

    void nextToken(long nanos) {
        interToken.record(nanos, TimeUnit.NANOSECONDS);
    }

    void done(RequestLedger ledger, long nanos) {
        whole.record(nanos, TimeUnit.NANOSECONDS);
        registry.counter("baton_router_requests", "outcome", ledger.outcome()).increment();
        for (SequenceLedger sequence : ledger.sequences()) {
            promptTokens.record(sequence.promptTokens);
            completionTokens.record(sequence.completionTokens);
            reusedTokens.increment(sequence.cached());
        }
    }
}
