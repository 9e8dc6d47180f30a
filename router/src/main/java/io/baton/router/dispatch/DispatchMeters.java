package io.baton.router.dispatch;

import io.baton.common.error.ErrorCode;
import io.baton.common.time.LatencyBounds;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The router's metrics, all named {@code baton_router_*} and labelled from closed sets only. */
public final class DispatchMeters implements SequenceMachine.Counters {
    private static final double[] TOKEN_BOUNDS = {16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144};

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
        this.promptTokens = tokens("baton_router_prompt_tokens", "Tokens of a request's prompt");
        this.completionTokens = tokens("baton_router_completion_tokens", "Tokens of an answer");
        this.reusedTokens =
                Counter.builder("baton_router_reused_prompt_tokens")
                        .description("Prompt tokens whose KV was reused")
                        .register(registry);
    }

    private Timer timer(String name, String description) {
        // Micrometer appends the unit for Prometheus; the name here must not have it twice.
        return Timer.builder(name.replace("_seconds", ""))
                .description(description)
                .serviceLevelObjectives(LatencyBounds.all())
                .register(registry);
    }

    private DistributionSummary tokens(String name, String description) {
        return DistributionSummary.builder(name)
                .description(description)
                .serviceLevelObjectives(TOKEN_BOUNDS)
                .register(registry);
    }

    private void count(String name, String description, String... labels) {
        Counter.builder(name).description(description).tags(labels).register(registry).increment();
    }

    /** Registers a number that is read at every scrape. */
    public void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(registry);
    }

    @Override
    public void decided(boolean local) {
        count(
                "baton_router_decisions",
                "Where prompts are prefilled",
                "prefill",
                local ? "local" : "remote");
    }

    @Override
    public void retried(String leg, ErrorCode why) {
        count(
                "baton_router_retries",
                "Legs tried again, by what ended the one before",
                "leg",
                leg,
                "reason",
                why.code());
    }

    @Override
    public void stalled(String leg) {
        registry.counter("baton_router_stalls", "leg", leg).increment();
    }

    /** A request was answered with an error. */
    public void error(ErrorCode code) {
        count("baton_router_errors", "Answers that were errors, by code", "code", code.code());
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
        count("baton_router_requests", "Requests by how they ended", "outcome", ledger.outcome());
        for (SequenceLedger sequence : ledger.sequences()) {
            promptTokens.record(sequence.promptTokens);
            completionTokens.record(sequence.completionTokens);
            reusedTokens.increment(sequence.cached());
        }
    }
}
